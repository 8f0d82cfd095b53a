"""What each kind of name may contain, and what is said about what it may not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.names import check_host_name, check_operation_id, check_storage_path, check_vm_id, check_vm_name


@pytest.mark.parametrize(
    "name", ["VM-01", "Web Shop", "_a_", "Bob's VM", "R&D", "müller", "<!here>", "a\\b", "a" * 100]
)
def test_vm_names_are_kept_as_they_are(name: str) -> None:
    assert check_vm_name(name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "1 to 100 characters"),
        ("a" * 101, "1 to 100 characters"),
        ("VM-*", r"wildcards \(\*\) are not accepted"),
        ("VM-[01]?", r"wildcards \(\? \[ \]\) are not accepted"),
        ("VM\n01", "control or invisible"),
        ("VM\u200b01", "control or invisible"),
        ("VM\u202e01", "control or invisible"),
        ("VM\x00", "control or invisible"),
    ],
)
def test_vm_names_that_could_mean_something_else_are_refused(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_vm_name(name)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("host02", "host02"),
        ("HOST02", "host02"),
        ("Host02.Contoso.com", "host02.contoso.com"),
        ("10.0.0.2", "10.0.0.2"),
    ],
)
def test_host_names_are_lower_case(said: str, name: str) -> None:
    assert check_host_name(said) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "host 02",
        "host_02",
        "-host",
        ".host",
        "host.",
        "a..b",
        "host/02",
        "host;02",
        "$(x)",
        "höst",
        "a" * 256,
        "h*",
    ],
)
def test_host_names_hold_only_what_dns_allows(name: str) -> None:
    with pytest.raises(ValueError, match="a host name"):
        check_host_name(name)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("D:\\VMs", "D:\\VMs"),
        ("D:\\", "D:\\"),
        ("D:\\VMs\\", "D:\\VMs"),
        ("D:\\\\VMs\\\\\\a", "D:\\VMs\\a"),
        ("d:\\My VMs\\R&D", "d:\\My VMs\\R&D"),
        ("\\\\server01\\vmstore", "\\\\server01\\vmstore"),
        ("\\\\server01\\D$\\VMs\\", "\\\\server01\\D$\\VMs"),
        ("\\\\server01.contoso.com\\my share\\", "\\\\server01.contoso.com\\my share"),
    ],
)
def test_paths_are_complete_and_lose_a_trailing_backslash(said: str, path: str) -> None:
    assert check_storage_path(said) == path


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "starts with a drive"),
        ("VMs", "starts with a drive"),
        ("\\VMs", "starts with a drive"),
        ("D:", "starts with a drive"),
        ("D:VMs", "starts with a drive"),
        ("/mnt/vms", "starts with a drive"),
        ("http://server01/vmstore", "starts with a drive"),
        ("\\\\server01", "a server and a name"),
        ("\\\\server01\\", "a server and a name"),
        ("\\\\", "a server and a name"),
        ("D:\\VMs\\..\\Windows", "must be complete"),
        ("D:\\.\\VMs", "must be complete"),
        ("D:\\VMs.", "must be complete"),
        ("D:\\VMs \\a", "must be complete"),
        ("D:\\a:stream", "must not contain"),
        ("D:\\a|b", "must not contain"),
        ('D:\\a"b', "must not contain"),
        ("D:\\a/b", "must not contain"),
        ("\\\\?\\D:\\VMs", "wildcards"),
        ("D:\\VM*", "wildcards"),
        ("D:\\VMs\x07", "control or invisible"),
    ],
)
def test_paths_that_are_not_exactly_one_place_are_refused(path: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_storage_path(path)


@settings(deadline=None)  # a busy machine is no failure
@given(st.text("\\D:$.ab \u200b*server", max_size=30))
def test_a_checked_path_is_its_own_check(text: str) -> None:
    try:
        path = check_storage_path(text)
    except ValueError:
        return
    assert check_storage_path(path) == path
    assert ".." not in path.split("\\")


@pytest.mark.parametrize(("said", "operation"), [("m-1", "m-1"), ("M-12", "m-12"), ("m-999999999", "m-999999999")])
def test_operations_are_sayable(said: str, operation: str) -> None:
    assert check_operation_id(said) == operation


@pytest.mark.parametrize("said", ["", "m-0", "m-01", "m12", "12", "m-1 ", "m-1000000000", "m-1\n", "n-1", "m-١"])
def test_other_texts_are_no_operation(said: str) -> None:
    with pytest.raises(ValueError, match="written like m-12"):
        check_operation_id(said)


GUID = "0a1b2c3d-0000-4444-8888-0123456789ab"


@pytest.mark.parametrize("said", [GUID, GUID.upper(), "{" + GUID + "}", f"  {GUID} "])
def test_a_vm_id_has_one_spelling(said: str) -> None:
    assert check_vm_id(said) == GUID


@pytest.mark.parametrize("said", ["", "VM-01", GUID[:-1], GUID + "0", GUID.replace("-", ""), GUID.replace("a", "g")])
def test_other_texts_are_no_vm_id(said: str) -> None:
    with pytest.raises(ValueError, match="not a VM id"):
        check_vm_id(said)
