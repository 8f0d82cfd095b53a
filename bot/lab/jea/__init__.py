"""JEA as a host enforces it: session configuration and role capability files in, what a session shows out.

It reads the very files that an administrator would copy to a host, so a test that passes under them says something
about them. It knows no language beyond data: functions of a role are known by their text, or refused.
"""

from bot.lab.jea.data_file import Malformed, Script, read_data_file
from bot.lab.jea.role import Role
from bot.lab.jea.session import NotAllowed, enter

__all__ = ["Malformed", "NotAllowed", "Role", "Script", "enter", "read_data_file"]
