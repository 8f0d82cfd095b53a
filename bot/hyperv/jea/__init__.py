"""Least privilege on the hosts: the files of a JEA endpoint in which Ferry can do its work, and nothing else.

Generated from `bot.hyperv.cmdlets`, the only place that says what Ferry sends. All but
`writing` is text in, text out.
"""

from bot.hyperv.jea.files import ENDPOINT, Identity, render_files
from bot.hyperv.jea.role import render_role
from bot.hyperv.jea.session import render_session
from bot.hyperv.jea.writing import write_files

__all__ = ["ENDPOINT", "Identity", "render_files", "render_role", "render_session", "write_files"]
