"""A page that looks and behaves like a channel, served beside the Slack stand-in, for people without a workspace.

    page = Page(server, suggestions=("hosts",))
    server.mount(page.add_to)                  # before its start; then a browser opens server.address

It uses the people's side of the stand-in and knows nothing of the bot. What is in `static` needs no build step.
"""

from bot.lab.page.site import Page

__all__ = ["Page"]
