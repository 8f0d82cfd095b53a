"""The catalogue of refusals, as a person looks things up in it: complete, unambiguous, and lenient in spelling."""

from __future__ import annotations

import re

import pytest

from bot.core import faults
from bot.core.faults import Known
from bot.errors import Fault

C, T, Q, U, B = Fault.CONFIGURATION, Fault.TRANSIENT, Fault.CAPACITY, Fault.UNKNOWN, Fault.BUG

# What is known of hosts' refusals, in the order of its sources: what a person may have in hand, and the class of retry.
KNOWN = [
    # Authentication and rights
    ("0x8009030E", "no_credentials", C),
    ("20306", "no_credentials", C),
    ("0x8009030D", "no_credentials", C),
    ("0x80070569", "logon_type", C),
    ("0x8007052F", "account_restriction", C),
    ("0x80090322", "target_principal", C),
    ("0x80090303", "no_such_principal", C),
    ("0x8009030C", "logon_denied", C),
    ("0x80090317", "ticket_expired", T),
    ("0x80090324", "clocks_apart", C),
    ("0x80090342", "no_common_encryption", C),
    ("0x80070005", "access_denied_between_hosts", C),
    ("AccessDenied", "no_right", C),
    ("ObjectNotFound", "object_not_found", T),
    ("0x80070534", "account_mapping", C),
    ("1106", "account_mapping", C),
    ("0x80070057", "virtual_tpm", C),
    ("The version of the device 'Microsoft Virtual TPM Device' of 'VM-01' is not compatible with device on physical "
     "computer", "virtual_tpm", C),
    # Compatibility and configuration
    ("Could not find Ethernet switch 'X'.", "missing_switch", C),
    ("33012", "missing_switch", C),
    ("21125", "missing_switch", C),
    ("Destination has disconnected VM switch(s)", "disconnected_switch", C),
    ("The hardware on the destination computer is not compatible with the hardware requirements of this virtual "
     "machine.", "processor_features", C),
    ("The virtual machine uses processor-specific features not supported on the physical computer",
     "processor_features", C),
    ("0xC03A0014", "missing_media", C),
    ("40010", "missing_media", C),
    ("10698", "configuration_version", C),
    ("can only be used in clustered VM roles and can't be migrated using standard methods", "shared_disk", C),
    ("0xC0370027", "saved_state", C),
    ("20413", "configuration_path", C),
    ("0x80042001", "computer_name_case", C),
    ("0x8007000D", "computer_name_case", C),
    ("0x80048054", "share_lock", C),
    ("59", "share_lock", C),
    ("OperationFailed", "refused_by_check", C),
    ("Virtual machine migrations are disabled on the source computer 'HOST01'.", "migration_disabled", C),
    # Capacity and limits
    ("21501", "live_limit", Q),
    ("23007", "storage_limit", Q),
    ("0x8007000E", "memory", Q),
    ("0x800705AA", "memory", Q),
    ("small allocations", "small_allocations", C),
    # Network and transport
    ("0x8007274D", "connection_refused", T),
    ("0x8007274C", "no_connection", T),
    ("0x80072746", "connection_broken", U),
    ("0x800705B4", "data_timeout", U),
    ("0x8007271D", "socket_forbidden", C),
    ("0x80070035", "share_unreachable", C),
    ("The Virtual Machine Management Service disabled the listener for Virtual Machine migration connections.",
     "listener_closed", C),
    ("0x000013AB", "cluster_network", C),
    ("5035", "cluster_network", C),
    ("20417", "long_blackout", U),
    ("21024", "failed_at_source", U),
    # Failover cluster
    ("0x80071398", "possible_owner", C),
    ("0x139F", "nothing_to_cancel", U),
    ("5023", "nothing_to_cancel", U),
    ("Failed to find SDDC Management resource, reason : No more data is available.", "admin_center", U),
    # Remote management
    ("0x80090311", "no_domain_controller", T),
    ("Cannot find the computer HOST02.", "unknown_computer", C),
    ("0x8004106C", "wmi_quota", T),
    ("20406", "remote_management", T),
    ("280", "remote_management", T),
    ("the destination machine must be added to the TrustedHosts configuration setting.", "untrusted_way", C),
    ("Access is denied", "endpoint_access", C),
    # The state of objects, and Ferry's own end
    ('Hyper-V was unable to find a virtual machine with name "X".', "no_such_vm", U),
    ("InvalidState", "wrong_state", T),
    ("32775", "wrong_state", T),
    ("ObjectInUse", "in_use", T),
    ("32774", "in_use", T),
    ("ScriptsNotAllowed", "script_text", B),
    ("CommandNotFoundException", "missing_cmdlet", B),
    ("There was an error during move operation.", "headline", U),
]  # fmt: skip


@pytest.mark.parametrize(("said", "entry", "fault"), KNOWN, ids=[said for said, _, _ in KNOWN])
def test_everything_known_of_hosts_is_in_the_catalogue(said: str, entry: str, fault: Fault) -> None:
    (known,) = faults.find(said)
    assert (known.id, known.fault) == (entry, fault)


@pytest.mark.parametrize(
    "said", ["0x8009030E", "0X8009030e", "8009030e", "-2146893042", "2148074254", " 0x8009030E ", "no credentials"]
)
def test_a_code_is_recognised_however_it_is_spelt(said: str) -> None:
    assert [known.id for known in faults.find(said)] == ["no_credentials"]


@pytest.mark.parametrize(
    ("said", "entry"),
    [
        ("1385", "logon_type"),  # the Windows error that 0x80070569 wraps
        ("ObjectInUse,Microsoft.HyperV.PowerShell.Commands.MoveVM", "in_use"),
        ("General access denied (0x80070005): no credentials (0x8009030E).", "no_credentials"),  # the innermost
        ("connection refused", "connection_refused"),
    ],
)
def test_what_is_copied_from_a_host_is_recognised(said: str, entry: str) -> None:
    assert [known.id for known in faults.find(said)] == [entry]


def test_an_event_of_several_causes_gives_them_all() -> None:
    assert {known.id for known in faults.find("21502")} == {
        "missing_switch",
        "processor_features",
        "configuration_version",
    }


@pytest.mark.parametrize(
    ("said", "near"),
    [("0x8009030F", "0x8009030E"), ("ObjectInUs", "objectinuse"), ("21503", "21502"), ("all is well", "")],
)
def test_what_is_not_known_has_a_nearest_or_none(said: str, near: str) -> None:
    assert faults.find(said) == ()
    assert faults.nearest(said) == near


def test_the_innermost_code_counts() -> None:
    assert faults.last_hresult("General access denied (0x80070005): no credentials (0x8009030E).") == "0X8009030E"
    assert faults.last_hresult("at 0x00007FFA12345678") == ""


def test_no_two_entries_claim_the_same_sign() -> None:
    for signs in ("identifiers", "hresults", "kinds"):
        claimed = [sign for known in faults.CATALOGUE for sign in getattr(known, signs)]
        assert len(claimed) == len(set(claimed))
    assert len({known.id for known in faults.CATALOGUE}) == len(faults.CATALOGUE)


@pytest.mark.parametrize("known", faults.CATALOGUE, ids=lambda known: known.id)
def test_every_entry_can_be_found_and_says_what_to_do(known: Known) -> None:
    assert known in faults.find(known.id)
    assert re.fullmatch("[a-z_]+", known.id)
    assert all(re.fullmatch("0X[0-9A-F]{8}", code) for code in known.hresults)
    assert known.cause[0].islower() or known.cause.startswith(("Ferry", "VM", "Windows"))
    assert known.remedy


@pytest.mark.parametrize("known", faults.CATALOGUE, ids=lambda known: known.id)
def test_every_entry_but_one_that_no_host_says_can_be_recognised(known: Known) -> None:
    said = known.identifiers or known.hresults or known.english or known.kinds
    assert said or known.id in ("small_allocations", "failed_at_source")
