"""Settings: the file, the environment, and what a person is told about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import Authentication, Settings, SettingsError, hosts_with, load
from bot.settings.sections import address_of

GOOD = """
[slack]
allow = ["U1"]

[remote]
username = 'CONTOSO\\ferry'
authentication = "kerberos"

[hosts.Host01]

[hosts."host02.contoso.com"]
address = "10.0.0.2"
authentication = "ntlm"
"""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine that runs the tests."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_API_URL", "DATABASE_URL", "FERRY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def write(content: str) -> Path:
    path = Path("ferry.toml")
    path.write_text(content, encoding="utf-8")
    return path


def test_a_host_has_what_is_the_same_for_all_unless_it_says_otherwise() -> None:
    hosts = load(write(GOOD)).hosts
    assert list(hosts) == ["host01", "host02.contoso.com"]
    assert (hosts["host01"].address, hosts["host01"].authentication) == ("Host01", Authentication.KERBEROS)
    other = hosts["host02.contoso.com"]
    assert (other.address, other.authentication, other.username) == ("10.0.0.2", Authentication.NTLM, "CONTOSO\\ferry")


def test_without_a_file_the_defaults_and_the_environment_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_HOSTS__HOST01__ADDRESS", "10.0.0.1")
    assert load().hosts["host01"].address == "10.0.0.1"
    assert load().slack.allow == ()


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_SLACK__ALLOW", "U7, U8")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-environment")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.sqlite")
    settings = load(write(GOOD))
    assert settings.slack.allow == ("U7", "U8")
    assert settings.slack.bot_token.get_secret_value() == "xoxb-environment"
    assert settings.operations.database_url.get_secret_value() == "sqlite:///elsewhere.sqlite"


def test_ferry_config_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setenv("FERRY_CONFIG", str(tmp_path / "other.toml"))
    assert "host01" in load().hosts


def test_a_password_from_the_environment_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_REMOTE__PASSWORD", "hunter2")
    settings = load(write(GOOD))
    assert settings.hosts["host01"].password.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(settings) + settings.model_dump_json()


def test_what_a_lab_is_given_is_not_overridden_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-a-real-workspace")
    settings = Settings.model_validate({"slack": {"bot_token": "xoxb-lab"}})
    assert settings.slack.bot_token.get_secret_value() == "xoxb-lab"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[hosts.host02]\nprot = 3", ["hosts.host02.prot (ferry.toml)", "did you mean port?"]),
        ("[operation]", ["operation (ferry.toml)", "did you mean operations?"]),
        (
            "[hosts.host02]\nport = 99999",
            ["hosts.host02.port", "less than or equal to 65535", "for example port = 5986"],
        ),
        (
            "[hosts.h]\naddress = 'h1'\ntls = false\nauthentication = 'basic'",
            ["hosts.h (ferry.toml)", "sends the password in clear"],
        ),
        ("[hosts.h]\nauthentication = 'certificate'", ["needs tls = true, certificate and certificate_key"]),
        ("[hosts.h]\nauthentication = 'kerbros'", ["hosts.h.authentication", "'kerberos'"]),
        ("[hosts.'bad name']", ["hosts", "letters, digits, hyphens and dots"]),
        ("hosts = 3", ["hosts (ferry.toml)", "dictionary"]),
        ("[hosts]\nhost01 = 3", ["hosts.host01"]),
        ("remote = 3\n[hosts.host01]", ["remote (ferry.toml)", "dictionary"]),
        ("[slack]\nallow = 5", ["slack.allow"]),
        ("[slack]\nallow = ['alice']", ["slack.allow (ferry.toml)", "user ids, like U012ABCDEF", "not 'alice'"]),
        ("[slack]\nbare_channels = ['#ops']", ["slack.bare_channels", "channel ids, like C012ABCDE", "not '#ops'"]),
        (
            "[remote]\nusrname = 'x'\n[hosts.h]\n[hosts.i]",
            ["remote.usrname (ferry.toml): there is no such setting; did you mean username?"],
        ),
        ("[clusters.c]\nprot = 3", ["clusters.c.prot (ferry.toml)", "did you mean port?"]),
        ("[hosts.h]\ncluster = 'HVC1'", ["[hosts.h] names the cluster 'HVC1', and [clusters] is empty"]),
        ("[hosts.h]\ncluster = 'HVC1'\n[clusters.c]", ["names the cluster 'HVC1', and [clusters] has c"]),
        ("[hosts.c]\n[clusters.C]", ["c is in [hosts] and in [clusters]"]),
        ("[clusters.a]\ncluster = 'b'\n[clusters.b]", ["[clusters.a] has the setting cluster", "in [hosts]"]),
        ("clusters = 3\n[hosts.h]", ["clusters (ferry.toml)", "dictionary"]),
        ("[clusters.c]\nauthentication = 'kerbros'", ["clusters.c.authentication", "'kerberos'"]),
        ('[hosts.h]\nusername = "CONTOSO\\ferry"', ["hosts.h.username", "single quotes, like 'CONTOSO\\ferry'"]),
    ],
)
def test_a_wrong_setting_is_named_with_its_place_and_how_it_is_written(content: str, told: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load(write(content))
    assert [each for each in told if each not in error.value.message] == []


def test_a_wrong_variable_of_the_environment_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_OPERATIONS__REFRESH_S", "often")
    with pytest.raises(SettingsError, match="environment variable FERRY_OPERATIONS__REFRESH_S"):
        load()


def test_a_secret_in_a_wrong_place_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        load(write("[slack]\nbot_tokn = 'xoxb-secret'\nallow = 'x'\n[hosts.h]\npassword = ['hunter2']"))
    assert "hunter2" not in error.value.message
    assert "xoxb-secret" not in error.value.message


def test_what_is_no_toml_and_what_is_no_file_is_said() -> None:
    with pytest.raises(SettingsError, match=r"ferry.toml is not valid TOML: .*line 2"):
        load(write('[remote]\nusername = "CONTOSO\\operator"'))
    with pytest.raises(SettingsError, match=r"could not read the settings file nowhere\.toml"):
        load(Path("nowhere.toml"))


IN_CLUSTERS = """
[remote]
username = 'CONTOSO\\ferry'

[clusters.HVC1]
address = "hvc1.contoso.com"
site = "north"

[clusters.lonely]

[hosts.HV02]
cluster = "HVC1"
port = 5999

[hosts.spare]
address = "hv03.contoso.com"

[hosts.other]
"""


def test_nodes_are_hosts_by_their_cluster_and_a_table_wins() -> None:
    settings = load(write(IN_CLUSTERS))
    told = {"hvc1": ("HV01", "HV02", "HV03"), "lonely": ("LN1",)}
    hosts = hosts_with(settings, told, {"hvc1": "ad.contoso.com", "lonely": "ad.contoso.com"})
    assert {name: (host.address, host.wsman_port, host.site) for name, host in hosts.items()} == {
        "hv02": ("hv02.contoso.com", 5999, "north"),
        "spare": ("hv03.contoso.com", 5986, "main"),
        "other": ("other", 5986, "main"),
        "hv01": ("hv01.contoso.com", 5986, "north"),
        "ln1": ("ln1.ad.contoso.com", 5986, "main"),
    }
    assert {host.username for host in hosts.values()} == {"CONTOSO\\ferry"}


def test_a_table_that_names_its_cluster_is_a_host_while_that_says_so_or_says_nothing_yet() -> None:
    settings = load(write(IN_CLUSTERS))
    assert "hv02" in hosts_with(settings, {}, {})
    assert list(hosts_with(settings, {"hvc1": ("HV03",)}, {"hvc1": ""})) == ["spare", "other"]


@pytest.mark.parametrize(
    ("cluster", "domain", "address"),
    [
        ("hvc1.contoso.com", "", "hv01.contoso.com"),
        ("hvc1", "contoso.com", "hv01.contoso.com"),
        ("10.0.0.9", "contoso.com", "hv01.contoso.com"),
        ("fe80::9", "contoso.com", "hv01.contoso.com"),
        ("hvc1", "", "hv01"),
    ],
)
def test_a_nodes_address(cluster: str, domain: str, address: str) -> None:
    assert address_of("HV01", cluster, domain) == address


def test_what_is_wrong_for_all_hosts_is_said_once_and_where_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERRY_REMOTE__PASSWRD", "hunter2")
    with pytest.raises(SettingsError) as error:
        load(write("[hosts.h]\n[hosts.i]"))
    assert error.value.message == (
        "remote.passwrd (environment variable FERRY_REMOTE__PASSWRD): there is no such setting; did you mean password?"
    )
