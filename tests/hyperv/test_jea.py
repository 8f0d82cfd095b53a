"""The files of `ferry jea`: read again they say what is declared, and let through no more than Ferry sends."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.names import check_host_name, check_storage_path
from bot.errors import Refused
from bot.hyperv.cmdlets import CMDLETS, GET_VM, Cmdlet, Kind, Parameter
from bot.hyperv.jea import Identity, render_files, render_roles, render_session, write_files
from bot.hyperv.jea.functions import function_of
from bot.hyperv.jea.patterns import RULES, NotExpressible, rule_of
from bot.hyperv.jea.role import FUNCTION_MODULES
from bot.lab.jea import Script, read_data_file

VM = "d46f1c3a-0b1e-4c2d-9e3f-0123456789ab"


GET_CLUSTER = Cmdlet("Get-Cluster", "FailoverClusters")


@cache
def roles() -> tuple[dict[str, Any], ...]:
    return tuple(read_data_file(text) for text in render_roles().values())


def entries(section: str) -> list[Any]:
    """Of all roles."""
    return [entry for role in roles() for entry in role.get(section, [])]


def limited(section: str) -> list[dict[str, Any]]:
    return [entry for entry in entries(section) if not isinstance(entry, str)]


def engine_takes(kind: Kind, text: str) -> bool:
    """Whether the pattern lets a value through, written and matched as PowerShell does it."""
    pattern = rule_of(Parameter("Any", kind))["ValidatePattern"]
    assert isinstance(pattern, str)
    return bool(re.search(f"^({pattern})$".replace(r"\z", r"\Z"), text, re.IGNORECASE))


class TestRole:
    def test_it_names_what_is_declared_and_nothing_else(self) -> None:
        visible = [*entries("VisibleCmdlets"), *entries("VisibleFunctions")]
        names = [entry if isinstance(entry, str) else entry["Name"] for entry in visible]
        assert sorted(names) == sorted(cmdlet.name for cmdlet in CMDLETS)
        assert sorted(entries("ModulesToImport")) == sorted({cmdlet.module for cmdlet in CMDLETS})

    @pytest.mark.parametrize("cmdlet", CMDLETS, ids=lambda cmdlet: cmdlet.name)
    def test_a_cmdlet_has_its_declared_parameters_and_values(self, cmdlet: Cmdlet) -> None:
        if function_of(cmdlet) is not None:
            assert cmdlet.name in entries("VisibleFunctions")
            (body,) = (one["ScriptBlock"] for one in entries("FunctionDefinitions") if one["Name"] == cmdlet.name)
            assert isinstance(body, Script)
            assert set(re.findall(r"\$(\w+),?\n", body.text.partition("process")[0])) == {
                parameter.name for parameter in cmdlet.parameters
            }
            return
        section = "VisibleFunctions" if cmdlet.module in FUNCTION_MODULES else "VisibleCmdlets"
        (entry,) = (one for one in limited(section) if one["Name"] == cmdlet.name)
        assert [one["Name"] for one in entry["Parameters"]] == [parameter.name for parameter in cmdlet.parameters]
        for parameter, shown in zip(cmdlet.parameters, entry["Parameters"], strict=True):
            if parameter.kind is Kind.CHOICE:
                assert shown["ValidateSet"] == [str(choice) for choice in parameter.choices]
            else:
                assert ("ValidatePattern" in shown) == (parameter.kind not in (Kind.PIPED, Kind.SWITCH))

    def test_every_kind_of_value_has_its_rule(self) -> None:
        assert set(RULES) == set(Kind)

    def test_a_hashtable_without_a_function_of_its_own_is_no_role(self) -> None:
        cmdlet = Cmdlet("Set-Something", "Hyper-V", (Parameter("Arguments", Kind.STATE, (4,)),))
        with pytest.raises(NotExpressible, match="-Arguments takes a hashtable"):
            render_roles((*CMDLETS, cmdlet))

    def test_a_limited_command_stands_without_its_module(self) -> None:
        """The engine names the proxy letter by letter as the role does, and Ferry calls it without a module."""
        shown = [*limited("VisibleCmdlets"), *limited("VisibleFunctions")]
        assert not [entry["Name"] for entry in shown if "\\" in entry["Name"]]

    def test_what_only_cluster_nodes_have_is_a_role_of_its_own(self) -> None:
        """A module that a host does not have would keep every session there from opening."""
        both = {name: read_data_file(text) for name, text in render_roles((GET_VM, GET_CLUSTER)).items()}
        assert {name: role["ModulesToImport"] for name, role in both.items()} == {
            "Ferry": ["Hyper-V"],
            "FerryClusterNode": ["FailoverClusters"],
        }
        assert list(render_roles((GET_VM,))) == ["Ferry"]

    @pytest.mark.parametrize("cmdlet", [one for one in CMDLETS if function_of(one)], ids=lambda cmdlet: cmdlet.name)
    def test_a_function_calls_by_module_and_makes_no_text_into_commands(self, cmdlet: Cmdlet) -> None:
        (script,) = (one["ScriptBlock"] for one in entries("FunctionDefinitions") if one["Name"] == cmdlet.name)
        body = script.text.partition("process")[2]
        assert not re.search(r"Invoke-Expression|ScriptBlock|iex|\$ExecutionContext", body)
        calls = re.findall(r"(\S*)(?:Get|Invoke|Remove|Select)-\w+", body)
        assert calls
        assert all(call.endswith("\\") for call in calls)


class TestPatterns:
    @pytest.mark.parametrize("text", ["host02", "host02.contoso.com", "h", "a" * 63, "HOST02"])
    def test_hosts_that_pass(self, text: str) -> None:
        assert engine_takes(Kind.HOST, text)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "host02\n", "host 02", "host02;x", "-host", "host..x", "host*", "a" * 64, "host02\nhost03"),
            *("\\\\host", "host\u212a", "x." * 127 + "xx"),  # U+212A, the Kelvin sign, is another case of k
        ],
    )
    def test_hosts_that_do_not(self, text: str) -> None:
        assert not engine_takes(Kind.HOST, text)

    @pytest.mark.parametrize(
        "text", ["D:\\", "D:\\VMs", "d:\\a b\\c.d", "\\\\server01\\vmstore", "\\\\server01.contoso.com\\vmstore$\\x"]
    )
    def test_paths_that_pass(self, text: str) -> None:
        assert engine_takes(Kind.PATH, text)

    @pytest.mark.parametrize(
        "text",
        [
            *("", "D:", "D:VMs", "VMs", "D:/VMs", "DD:\\x", "D:\\VM[0]", "D:\\*", "D:\\a:b", "D:\\VMs\n"),
            *("D:\\..\\Windows", "D:\\VMs\\..", "D:\\VMs\\.", "D:\\VMs ", "D:\\a.\\b"),
            *("\\\\server01", "\\\\.\\pipe\\x", "\\\\?\\C:\\x", "\\\\server01\\vmstore\n"),
        ],
    )
    def test_paths_that_do_not(self, text: str) -> None:
        assert not engine_takes(Kind.PATH, text)

    def test_ids(self) -> None:
        assert engine_takes(Kind.GUID, VM)
        assert not engine_takes(Kind.GUID, VM + "\n")
        assert not engine_takes(Kind.GUID, f"{{{VM}}}")
        assert engine_takes(Kind.INSTANCE, f"InstanceID='{VM.upper()}'")
        for text in (f"InstanceID='{VM}' OR 1=1", f"Name='{VM}'", f"InstanceID='{VM}'\n", f"InstanceID='{VM}''"):
            assert not engine_takes(Kind.INSTANCE, text)

    @given(st.text(alphabet="abC019-.", min_size=1, max_size=70))
    def test_every_host_that_ferry_names_passes(self, text: str) -> None:
        try:
            name = check_host_name(text)
        except ValueError:
            assert not engine_takes(Kind.HOST, text)
            return
        assert engine_takes(Kind.HOST, name)

    @given(st.from_regex(r"([a-zA-Z]:\\|\\\\)[\w .$()'\\-]{0,60}", fullmatch=True))
    def test_every_path_that_ferry_names_passes(self, text: str) -> None:
        try:
            path = check_storage_path(text)
        except ValueError:
            return
        assert engine_takes(Kind.PATH, path)


class TestSession:
    def test_it_is_restricted_and_runs_as_a_virtual_account(self) -> None:
        session = read_data_file(render_session(Identity("FABRIKAM\\Movers of VMs")))
        assert session["SessionType"] == "RestrictedRemoteServer"
        assert session["LanguageMode"] == "NoLanguage"
        assert session["RunAsVirtualAccount"] is True
        assert session["RoleDefinitions"] == {"FABRIKAM\\Movers of VMs": {"RoleCapabilities": ["Ferry"]}}
        assert "GroupManagedServiceAccount" not in session
        assert session["TranscriptDirectory"]

    def test_a_service_account_is_written_as_microsoft_writes_it(self) -> None:
        session = read_data_file(render_session(Identity(service_account="CONTOSO\\svc-ferry$")))
        assert session["GroupManagedServiceAccount"] == "CONTOSO\\svc-ferry"
        assert "RunAsVirtualAccount" not in session

    def test_an_apostrophe_ends_no_string(self) -> None:
        session = read_data_file(render_session(Identity("CONTOSO\\O'Brien")))
        assert session["RoleDefinitions"] == {"CONTOSO\\O'Brien": {"RoleCapabilities": ["Ferry"]}}

    @pytest.mark.parametrize(
        "account",
        ["Ferry", "", "\\Ferry", "CONTOSO\\", "CONTOSO\\a\\b", "CONTOSO\\a\nb", "CÖNTOSO\\a", "ferry@contoso.com"],
    )
    def test_what_is_no_account(self, account: str) -> None:
        with pytest.raises(ValueError, match="is not written like CONTOSO"):
            Identity(account)


class TestFiles:
    @pytest.mark.parametrize("identity", [Identity("FABRIKAM\\Ferry"), Identity("FABRIKAM\\Ferry", "FABRIKAM\\svc$")])
    def test_they_are_the_same_every_time_in_ascii_and_complete(self, identity: Identity) -> None:
        files = render_files(identity)
        assert files == render_files(identity)
        assert all(text.isascii() and text.endswith("\n") and "\t" not in text for text in files.values())
        assert "FABRIKAM\\Ferry" in files["README.txt"]
        assert ("Install-ADServiceAccount svc" in files["README.txt"]) == (identity.service_account is not None)
        assert "{" not in files["README.txt"].replace("@{ 'msDS", "")

    def test_cluster_nodes_have_a_session_configuration_of_their_own(self) -> None:
        files = render_files(Identity(), (GET_VM,))
        assert set(files) == {"README.txt", "Ferry.pssc", "Ferry/Ferry.psd1", "Ferry/RoleCapabilities/Ferry.psrc"}
        with_nodes = render_files(Identity(), (GET_VM, GET_CLUSTER))
        assert with_nodes.keys() - files.keys() == {
            "Ferry-cluster-node.pssc",
            "Ferry/RoleCapabilities/FerryClusterNode.psrc",
        }
        assert with_nodes["Ferry.pssc"] == files["Ferry.pssc"]
        session = read_data_file(with_nodes["Ferry-cluster-node.pssc"])
        assert session["RoleDefinitions"] == {"CONTOSO\\Ferry": {"RoleCapabilities": ["Ferry", "FerryClusterNode"]}}
        assert "Ferry-cluster-node.pssc" in with_nodes["README.txt"]
        assert "Ferry-cluster-node.pssc" not in files["README.txt"]

    def test_a_changed_file_is_not_overwritten_unless_forced(self, tmp_path: Path) -> None:
        contents = {"a.txt": "one\n", "b/c.txt": "two\n"}
        assert write_files(tmp_path, contents) == (tmp_path / "a.txt", tmp_path / "b" / "c.txt")
        write_files(tmp_path, contents)
        (tmp_path / "b" / "c.txt").write_text("mine\n")
        with pytest.raises(Refused, match="is there and differs"):
            write_files(tmp_path, {"a.txt": "new\n", "b/c.txt": "two\n"})
        assert (tmp_path / "a.txt").read_text() == "one\n"
        write_files(tmp_path, contents, force=True)
        assert (tmp_path / "b" / "c.txt").read_bytes() == b"two\n"

    def test_a_place_that_cannot_be_written_to_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(Refused, match="cannot be written"):
            write_files(tmp_path / "file", {"a.txt": ""})
