"""The WSMan faults this endpoint answers with.

Codes and texts as Windows sends them in the recordings of pypsrp's test suite, except where a comment says assumed.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from bot.lab.winrm import soap

_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_FAULT_NAMESPACE = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"


class Fault(Exception):
    """A refusal in WSMan's own form; HTTP status 500.

    Attributes:
        code: the number in WSManFault/@Code.
        subcode: DMTF's name of the class of fault.
        sender: whether the client is at fault, rather than the service.
    """

    def __init__(self, code: int, subcode: str, reason: str, *, sender: bool = True) -> None:
        super().__init__(reason)
        self.code = code
        self.subcode = subcode
        self.reason = reason
        self.sender = sender

    def render(self, relates_to: str, machine: str) -> bytes:
        reason = escape(self.reason)
        return soap.envelope(
            _FAULT_ACTION,
            relates_to,
            f"<s:Fault><s:Code><s:Value>s:{'Sender' if self.sender else 'Receiver'}</s:Value><s:Subcode><s:Value>"
            f'w:{self.subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">{reason}</s:Text>'
            f'</s:Reason><s:Detail><f:WSManFault xmlns:f="{_FAULT_NAMESPACE}" Code="{self.code}" '
            f"Machine={quoteattr(machine)}><f:Message>{reason}</f:Message></f:WSManFault></s:Detail></s:Fault>",
        )


def timed_out() -> Fault:
    return Fault(
        2150858793,
        "TimedOut",
        "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  ",
        sender=False,
    )


def no_shell(shell_id: str) -> Fault:
    return Fault(
        2150858843,
        "InvalidSelectors",
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation. ",
    )


def no_command() -> Fault:
    return Fault(
        2150858843,
        "InvalidSelectors",
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not "
        "exist. Either the command has completed execution or the client specified an invalid command identifier. ",
    )


def no_configuration(name: str, machine: str) -> Fault:
    return Fault(
        2150858811,
        "InvalidResourceURI",
        f"The WS-Management service cannot process the request. Cannot find the {name} session configuration in the "
        f"WSMan: drive on the {machine} computer. ",
    )


def unsupported(action: str) -> Fault:
    return Fault(2150858752, "ActionNotSupported", f"The action {action} is not supported by the service. ")


def unreadable(reason: str) -> Fault:
    """Windows names the offending element; the code is assumed."""
    return Fault(
        2150858752, "SchemaValidationError", f"The WS-Management service found the request invalid: {reason}. "
    )


def too_many_shells(limit: int) -> Fault:
    """The code is assumed; the text is the one of the quota MaxShellsPerUser (MS-WSMV 2.2.4.42)."""
    return Fault(
        2150859174,
        "QuotaLimit",
        "The WS-Management service cannot process the request. The maximum number of concurrent shells for this user "
        f"has been exceeded: {limit}. Close existing shells or raise the quota for this user. ",
        sender=False,
    )


def too_many_commands() -> Fault:
    """Text as reported for Windows in pypsrp's issue 148; the code is assumed."""
    return Fault(
        2150859174,
        "QuotaLimit",
        "The WS-Management service cannot process the request. The maximum number of concurrent commands per shell "
        "has been exceeded. Retry the request later or raise the Maximum Commands per Shell quota. ",
        sender=False,
    )


def stream_disconnected() -> Fault:
    """A message to a disconnected shell is refused; code and text are assumed."""
    return Fault(
        2150859230,
        "InternalError",
        "The WinRM service cannot process the request because the stream is currently disconnected. ",
        sender=False,
    )


def already_connected() -> Fault:
    """MS-WSMV 3.1.4.17: Connect to a connected shell is an internal error; code and text are assumed."""
    return _wrong_state("The shell is already connected. ")


def another_session() -> Fault:
    """MS-WSMV 3.1.4.16: Reconnect belongs to the client that disconnected; code and text are assumed."""
    return _wrong_state("The shell belongs to another client session; connect to it instead. ")


def command_exists() -> Fault:
    """Two commands of one shell cannot share an id; code and text are assumed."""
    return _wrong_state("The shell has a command with this command identifier. ")


def _wrong_state(reason: str) -> Fault:
    return Fault(
        2150859216,
        "InternalError",
        f"The WinRM Shell client cannot process the request. {reason}",
        sender=False,
    )
