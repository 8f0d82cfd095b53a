"""Least privilege on the hosts: the files of a JEA endpoint in which Ferry can do its work, and nothing else.

Generated from `bot.hyperv.cmdlets`, the only place that says what Ferry sends. All but
`writing` is text in, text out.
"""

from bot.hyperv.jea.files import render_files
from bot.hyperv.jea.role import render_roles
from bot.hyperv.jea.session import ENDPOINT, Identity, render_session
from bot.hyperv.jea.writing import write_files

__all__ = ["ENDPOINT", "Identity", "render_files", "render_roles", "render_session", "write_files"]
