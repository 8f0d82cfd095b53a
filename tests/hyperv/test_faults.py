"""The catalogue of refusals: what hosts really say, against what Ferry makes of it."""

from __future__ import annotations

import pytest

from bot.core.faults import REFUSED_BY_CHECK, find
from bot.errors import Fault
from bot.hyperv import faults, kerberos
from bot.hyperv.answer import Trouble

C, T, Q, U, B = Fault.CONFIGURATION, Fault.TRANSIENT, Fault.CAPACITY, Fault.UNKNOWN, Fault.BUG
HEADLINE = (
    "Virtual machine migration operation for 'VM-01' failed at migration source 'HOST01'. (Virtual machine ID X)\n\n"
)


def trouble(words: str, identifier: str = "OperationFailed", command: str = "MoveVM", category: int = 0) -> Trouble:
    return Trouble(
        code=f"{identifier},Microsoft.HyperV.PowerShell.Commands.{command}",
        category=category,
        target="",
        activity="",
        words=words,
    )


NO_CREDENTIALS = (
    HEADLINE
    + "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine migration with "
    "host 'HOST02': No credentials are available in the security package (0x8009030E).\n\n"
    "Failed to authenticate the connection at the source host: no suitable credentials available."
)

CASES = [
    (NO_CREDENTIALS, "OperationFailed", C, "0X8009030E", "delegation"),
    ("Failed to establish a connection with host HOST02: No credentials are available in the security package "
     "0x8009030E.", "OperationFailed", C, "0X8009030E", "delegation"),
    ("The credentials supplied to the package were not recognized (0x8009030D)", "OperationFailed", C, "0X8009030D",
     "delegation"),
    ("Failed to create Planned Virtual Machine at migration destination: Logon failure: the user has not been granted "
     "the requested logon type at this computer. (0x80070569)", "OperationFailed", C, "0X80070569", "log on as a"),
    ("Kontoeinschränkung (0x8007052F)", "OperationFailed", C, "0X8007052F", "account restriction"),
    ("The target principal name is incorrect. (0x80090322)", "OperationFailed", C, "0X80090322", "principal name"),
    ("Allgemeiner Fehler: Zugriff verweigert (0x80070005)", "OperationFailed", C, "0X80070005", "access was denied"),
    ("You do not have the required permission to complete this task.", "AccessDenied", C, "AccessDenied", "no right"),
    ("Hyper-V encountered an error trying to access an object on computer 'HOST01' because the object was not found.",
     "ObjectNotFound", T, "", "management service"),
    ("Objekt nicht gefunden.", "ObjectNotFound", T, "ObjectNotFound", "management service"),
    ("The operation on computer 'HOST02' failed: WinRM cannot process the request. Cannot find the computer HOST02.",
     "InvalidParameter", C, "", "cannot find the destination"),
    ("The client cannot connect to the destination specified in the request.", "ObjectNotFound", T, "",
     "did not answer the source"),
    ("Der Pfad ist ungültig.", "InvalidParameter", C, "InvalidParameter", "one of the values"),
    ("The operation was canceled by the user. (0x800704C7)", "OperationFailed", C, "0X800704C7", "stopped"),
    ("The operation is not supported for the clustered virtual machine 'VM-01'.", "OperationFailed", C, "",
     "is clustered"),
    ("Virtual machine migrations are disabled on the source computer 'HOST01'.", "OperationFailed", C, "",
     "switched off"),
    ("No mapping between account names and security IDs was done. (0x80070534)", "OperationFailed", C, "0X80070534",
     "account that no longer exists"),
    ("The key protector for the virtual machine 'VM-01' could not be unwrapped. (0x80070057)", "OperationFailed", C,
     "0X80070057", "TPM"),
    (HEADLINE + "The virtual machine 'VM-01' is not compatible with physical computer 'HOST02'. Could not find "
     "Ethernet switch 'Production'.", "OperationFailed", C, "", "no virtual switch"),
    ("Destination has disconnected VM switch(s)", "Unspecified", C, "", "switch that does not reach"),
    ("The virtual machine uses processor-specific features not supported on the physical computer", "OperationFailed",
     C, "", "processors"),
    ("The hardware on the destination computer is not compatible with the hardware requirements of this virtual "
     "machine.", "OperationFailed", C, "", "processors"),
    ("Failed with Error 'A virtual disk support provider for the specified file was not found.' (0xC03A0014)",
     "OperationFailed", C, "0XC03A0014", "ISO"),
    ("Cannot restore this virtual machine because the saved state data cannot be read (0xC0370027)", "OperationFailed",
     C, "0XC0370027", "saved state"),
    ('Failed to perform migration on virtual machine "VM-01" because virtual machine migration limit "2" was reached, '
     "please wait for completion of an ongoing migration operation.", "OperationFailed", Q, "", "live migrations"),
    ("Storage migration for 'VM-01' was not finished because maximum storage migration limit '2' was reached, please "
     "wait for completion of an ongoing migration operation", "OperationFailed", Q, "", "storage migrations"),
    ("'VM-01' could not initialize memory: Ran out of memory (0x8007000E).", "OperationFailed", Q, "0X8007000E",
     "memory"),
    ("Failed to create partition: Insufficient system resources exist (0x800705AA).", "OperationFailed", Q,
     "0X800705AA", "memory"),
    ("There is not enough space on the disk. (0x80070070)", "OperationFailed", Q, "0X80070070", "storage is full"),
    ("No connection could be made because the target machine actively refused it (0x8007274D)", "OperationFailed", T,
     "0X8007274D", "refused the migration connection"),
    ("A connection attempt failed because the connected party did not properly respond (0x8007274C)",
     "OperationFailed", T, "0X8007274C", "did not answer"),
    ("An existing connection was forcibly closed by the remote host. (0x80072746)", "OperationFailed", U, "0X80072746",
     "broke"),
    ("This operation returned because the timeout period expired. (0x800705B4)", "OperationFailed", U, "0X800705B4",
     "in time"),
    ("An attempt was made to access a socket in a way forbidden by its access permissions (0x8007271D)",
     "OperationFailed", C, "0X8007271D", "firewall"),
    ("The network path was not found. (0x80070035)", "OperationFailed", C, "0X80070035", "SMB"),
    ("HRESULT (0x8004106c)", "Unspecified", T, "0X8004106C", "quota"),
    ("the operation timed out", "OperationTimeout", U, "OperationTimeout", "time limit"),
    ('Hyper-V was unable to find a virtual machine with name "VM-01".', "InvalidParameter", U, "",
     "does not know that VM"),
    ("Der Vorgang kann nicht ausgeführt werden.", "InvalidState", T, "InvalidState", "present state"),
    ("The operation cannot be performed while the object is in use", "ObjectInUse", T, "ObjectInUse", "holds the VM"),
    ("Zu wenig Speicher", "OutOfMemory", Q, "OutOfMemory", "memory"),
    ("The syntax is not supported by this runspace.", "ScriptsNotAllowed", B, "ScriptsNotAllowed", "script"),
    ("The term 'Get-VM' is not recognized", "CommandNotFoundException", B, "CommandNotFoundException", "cmdlet"),
    ("A parameter cannot be found that matches", "NamedParameterNotFound", B, "NamedParameterNotFound", "parameter"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "identifier", "fault", "code", "cause"), CASES)
def test_what_a_host_says_is_recognised(words: str, identifier: str, fault: Fault, code: str, cause: str) -> None:
    known, found = faults.classify(trouble(words, identifier))
    assert (known.fault, found) == (fault, code)
    assert cause in known.cause
    assert known.remedy


def test_the_identifier_counts_before_the_code_and_the_code_before_the_text() -> None:
    assert faults.classify(trouble(NO_CREDENTIALS, "AccessDenied"))[1] == "AccessDenied"
    assert faults.classify(trouble("limit was reached; out of memory (0x8007274D)"))[1] == "0X8007274D"


def test_get_vm_itself_says_that_it_knows_no_such_vm_in_any_language() -> None:
    known, code = faults.classify(trouble("Kein virtueller Computer gefunden.", "InvalidParameter", "GetVM"))
    assert (known.fault, code) == (U, "InvalidParameter")
    assert "does not know that VM" in known.cause


def test_a_check_of_the_cmdlet_itself_is_told_apart_by_its_category() -> None:
    known, _ = faults.classify(trouble("Der Vorgang ist nicht möglich.", category=7))  # ErrorCategory.InvalidOperation
    assert known is REFUSED_BY_CHECK


def test_what_nobody_knows_is_unknown_and_keeps_the_hosts_words() -> None:
    error = faults.explain("host01", "the live migration of VM-01", trouble("Etwas ging schief (0x8007ABCD)"))
    assert (error.fault, error.cause, error.code) == (U, "", "0X8007ABCD")
    assert error.words == "Etwas ging schief (0x8007ABCD)"
    assert error.message == "host01 did not finish the live migration of VM-01"


@pytest.mark.parametrize("code", sorted({entry[-1] for entry in kerberos.KNOWN if entry[-1]}))
def test_what_kerberos_refuses_on_the_way_to_a_host_can_be_explained_by_its_code(code: str) -> None:
    assert len(find(code)) == 1
