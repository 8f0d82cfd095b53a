"""The lab's WinRM endpoint: WSMan over HTTP(S) and PowerShell remoting, as a Windows host answers them on the wire.

It knows transport, authentication, shells and pipelines; what a cmdlet does is the runner's business (`Run`). It has no
PowerShell language, no WinRS, no host calls and no command metadata. It listens on 127.0.0.1 and nowhere else.
"""

from bot.lab.winrm.certificates import Authority
from bot.lab.winrm.command import Command, Run, Visible
from bot.lab.winrm.server import WinRmServer
from bot.lab.winrm.service import Limits
from bot.lab.winrm.stats import Stats

__all__ = ["Authority", "Command", "Limits", "Run", "Stats", "Visible", "WinRmServer"]
