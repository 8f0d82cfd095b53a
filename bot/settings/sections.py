"""The sections of the settings. Every field says its meaning and unit; the README's table is made from here."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from bot.core.names import HostName, UserId
from bot.settings.kinds import Section, split_list
from bot.settings.policy import ApprovalSettings, HoursSettings, PolicySettings, RuleSettings


class Authentication(StrEnum):
    NEGOTIATE = "negotiate"
    KERBEROS = "kerberos"
    NTLM = "ntlm"
    CREDSSP = "credssp"
    CERTIFICATE = "certificate"
    BASIC = "basic"


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class HostSettings(Section):
    """How to reach one Hyper-V host over PowerShell remoting."""

    address: str = Field(description="DNS name or address that WinRM answers on", examples=["host01.contoso.com"])
    port: int | None = Field(
        None, ge=1, le=65535, description="TCP port; 5986 with TLS and 5985 without, if not set", examples=[5986]
    )
    tls: bool = Field(True, description="HTTPS; without it, messages are encrypted by the authentication instead")
    verify: bool = Field(True, description="whether the host's certificate must be valid for its address")
    ca_bundle: Path | None = Field(None, description="file of CA certificates to trust instead of the system's")
    authentication: Authentication = Field(
        Authentication.NEGOTIATE, description="negotiate, kerberos, ntlm, credssp, certificate or basic"
    )
    username: str = Field("", description="account, like CONTOSO\\ferry or ferry@contoso.com; empty: the process's own")
    password: SecretStr = Field(SecretStr(""), description="better given as FERRY_REMOTE__PASSWORD in the environment")
    certificate: Path | None = Field(None, description="client certificate (PEM), for certificate authentication")
    certificate_key: Path | None = Field(None, description="its private key (PEM)")
    keytab: Path | None = Field(None, description="file of the account's keys, instead of a password: for kerberos")
    service: Literal["host", "HTTP"] = Field(
        "host", description="the kind of service principal name that Kerberos asks a ticket for: host or HTTP"
    )
    configuration: str = Field("Microsoft.PowerShell", description="session configuration (JEA endpoint) to enter")
    sessions: int = Field(3, ge=1, le=10, description="warm sessions kept; each is a 50 MB process on the host")
    connect_timeout_s: float = Field(10, gt=0, description="seconds to wait for a connection")
    read_timeout_s: float = Field(30, gt=1, description="seconds within which a read of the host must be complete")
    link_gbit_s: float | None = Field(None, gt=0, description="speed of its migration network in Gbit/s, for estimates")
    site: str = Field(
        "main", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="whose workers carry out moves that begin on it"
    )
    cluster: str = Field(
        "",
        description="of a node: the one of [clusters] that tells whether it is a host; what is not set is as there",
    )

    @field_validator("username")
    @classmethod
    def _printable(cls, value: str) -> str:
        """`"CONTOSO\\ferry"` in double quotes is valid TOML, and means a form feed."""
        if not value.isprintable():
            raise ValueError(r"holds a control character; write it in single quotes, like 'CONTOSO\ferry'")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> HostSettings:
        if self.authentication is Authentication.BASIC and not self.tls and self.address not in LOOPBACK:
            raise ValueError(
                "basic authentication sends the password in clear: it needs tls = true, or a loopback address"
            )
        if self.authentication is Authentication.CERTIFICATE and not (
            self.tls and self.certificate and self.certificate_key
        ):
            raise ValueError("certificate authentication needs tls = true, certificate and certificate_key")
        if self.keytab and self.authentication is not Authentication.KERBEROS:
            raise ValueError("a keytab is for authentication = 'kerberos'")
        return self

    @property
    def wsman_port(self) -> int:
        return self.port or (5986 if self.tls else 5985)

    def of_node(self, cluster: str, node: str, domain: str) -> HostSettings:
        """A cluster's settings as one of its nodes has them: the same, at an address of its own."""
        return self.model_copy(update={"address": address_of(node, self.address, domain), "cluster": cluster})


def address_of(node: str, cluster: str, domain: str = "") -> str:
    """A node's address from its name: in the domain that the cluster's address is in, else in the one it tells."""
    beside = "" if _IP.fullmatch(cluster) else cluster.partition(".")[2]
    return f"{node}.{beside or domain}".rstrip(".").lower()


_IP = re.compile(r"\d+(\.\d+){3}|.*:.*")


def _check_people(ids: tuple[UserId, ...]) -> tuple[UserId, ...]:
    if wrong := [one for one in ids if not _PERSON.match(one)]:
        raise ValueError(f"takes Slack's user ids, like U012ABCDEF (in a profile: Copy member ID), not {wrong[0]!r}")
    return ids


def _check_channels(ids: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [one for one in ids if not _CHANNEL.match(one)]:
        raise ValueError(f"takes Slack's channel ids, like C012ABCDE (below a channel's details), not {wrong[0]!r}")
    return ids


_PERSON = re.compile(r"[UW][A-Z0-9]+\Z")
_CHANNEL = re.compile(r"[CG][A-Z0-9]+\Z")
People = Annotated[tuple[UserId, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_check_people)]
Channels = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_check_channels)]


Tags = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_list)]
Names = Annotated[tuple[str, ...], BeforeValidator(split_list)]


class SlackSettings(Section):
    """How Ferry is reached in Slack, and by whom."""

    bot_token: SecretStr = Field(SecretStr(""), description="xoxb-…; SLACK_BOT_TOKEN in the environment")
    app_token: SecretStr = Field(
        SecretStr(""), description="xapp-…, for Socket Mode; SLACK_APP_TOKEN in the environment"
    )
    signing_secret: SecretStr = Field(
        SecretStr(""), description="for mode = http; SLACK_SIGNING_SECRET in the environment"
    )
    api_url: str = Field("https://slack.com/api/", description="base of the Web API; SLACK_API_URL in the environment")
    mode: Literal["socket", "http"] = Field("socket", description="socket needs no open port; http listens on `listen`")
    listen: str = Field("127.0.0.1:3000", description="address and port for mode = http; put a TLS proxy before it")
    allow: People = Field(
        (), description="Slack user ids that may command Ferry; nobody else may, and an empty list means nobody"
    )
    operators: People = Field(
        (), description="Slack user ids that may also cancel what others asked for, and close what needs attention"
    )
    bare_channels: Channels = Field((), description="channel ids where commands need no mention")
    audit_channel: str = Field(
        "",
        description="channel id that gets a line for every change and refusal, and the journal's head every day",
        examples=["C012ABCDE"],
    )
    commands_per_minute: int = Field(
        60,
        ge=0,
        description=(
            "commands of one person within a minute, and as many buttons; who says more is told once and ignored for"
            " the rest of it; 0: no limit"
        ),
    )
    command: str = Field("/ferry", description="the slash command")


class OperationSettings(Section):
    """How Ferry offers, queues and follows operations."""

    database_url: SecretStr = Field(
        SecretStr("sqlite:///ferry.sqlite"), description="where rows live; DATABASE_URL in the environment"
    )
    process: str = Field(
        "", description="name of this process, the same after every restart; empty: from machine, role and site"
    )
    audit_path: Path | None = Field(
        None, description="the journal's searchable copy; `audit.db` beside the database if not set"
    )
    offer_minutes: float = Field(10, gt=0, description="minutes after which an unconfirmed offer ends")
    stale_command_s: float = Field(120, gt=0, description="seconds after which a command that arrives late is refused")
    refresh_s: float = Field(
        300, gt=0, description="seconds between background looks at every host; whatever is decided on is read live"
    )
    keep_days: int = Field(
        30,
        ge=2,
        description="days for which answered questions and ended workflows are kept; the journal is kept for ever",
    )
    updates_per_minute: int = Field(
        40, ge=1, le=50, description="card updates for the whole workspace (Slack allows 50)"
    )
    stall_s: float = Field(
        120, gt=0, description="seconds without progress after which the host is asked, and the card says so"
    )
    live_deadline_minutes: float = Field(
        30, gt=0, description="minutes after which a live migration needs attention; it is never stopped for that"
    )
    shared_nothing_deadline_minutes: float = Field(30, gt=0, description="the same for a live migration with storage")
    storage_deadline_minutes: float = Field(30, gt=0, description="the same for moving storage")
    deadline_estimates: float = Field(
        10, ge=1, description="how many times its estimate a move may take, where that is longer than those minutes"
    )
    memory_reserve_gib: float = Field(2, ge=0, description="GiB that stay free on a destination after a move")

    @property
    def audit_file(self) -> Path:
        """Beside an SQLite database; in the working directory where the database is a server's."""
        scheme, _, path = self.database_url.get_secret_value().partition(":///")
        beside = Path(path).parent if scheme.startswith("sqlite") else Path()
        return self.audit_path or beside / "audit.db"


class EvacuationSettings(Section):
    """How hosts are emptied, and what stays together, apart, or where it is."""

    first: Tags = Field((), description="tags of VMs that move before the others, and are placed first")
    last: Tags = Field((), description="tags of VMs that move after the others, and are placed last")
    never: Tags = Field((), description="tags of VMs that stay where they are; a plan names them")
    apart: Tags = Field((), description="tags whose VMs never share a host")
    processors_per_core: float = Field(
        8, gt=0, description="virtual processors of running VMs that a host may have for each logical one of its own"
    )
    failure_budget: int = Field(5, ge=1, description="failed moves after which an evacuation pauses by itself")
    solver_s: float = Field(8, gt=0, description="seconds that the exact solver may take where nothing simpler fits")


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much the log says")


class Settings(Section):
    """All of it. `[remote]` holds what is the same for every host; a host's own table wins."""

    slack: SlackSettings = SlackSettings()
    operations: OperationSettings = OperationSettings()
    evacuation: EvacuationSettings = EvacuationSettings()
    policy: PolicySettings = PolicySettings()
    rules: dict[str, RuleSettings] = Field(
        default_factory=dict, description="what people may do, beside `allow` and `operators`: [rules.movers]"
    )
    approvals: dict[str, ApprovalSettings] = Field(
        default_factory=dict, description="what needs more than a confirmation: [approvals.storm]"
    )
    hours: dict[str, HoursSettings] = Field(
        default_factory=dict, description="hours of the week, by name: [hours.office]"
    )
    log: LogSettings = LogSettings()
    tags: dict[str, Names] = Field(
        default_factory=dict,
        description="[tags]: names of VMs by tag; * stands for any characters",
        examples=['critical = ["SQL-*", "DC-01"]'],
    )
    remote: dict[str, Any] = Field(default_factory=dict, description="defaults for every host: [remote]", repr=False)
    hosts: dict[HostName, HostSettings] = Field(default_factory=dict, description="one table per host: [hosts.host01]")
    clusters: dict[HostName, HostSettings] = Field(
        default_factory=dict, description="one table per failover cluster whose nodes are hosts: [clusters.HVC1]"
    )

    @property
    def user_groups(self) -> tuple[str, ...]:
        """Ids of those that rules and approvals name."""
        named = [*(rule.who for rule in self.rules.values()), *(each.of for each in self.approvals.values())]
        return tuple(sorted({one for who in named for one in who if one.startswith("S")}))

    @property
    def named(self) -> tuple[str, ...]:
        """Ids of people and channels that lists and rules name to let them do something."""
        rules = [rule for rule in self.rules.values() if set(rule.may) - {"look"}]
        people = {*self.slack.allow, *self.slack.operators, *(one for rule in rules for one in rule.who)}
        places = {one for rule in rules for one in rule.channels}
        return tuple(sorted(one for one in people | places if one[0] in "UWCG"))

    @model_validator(mode="after")
    def _know_tags(self) -> Settings:
        given = self.evacuation
        used = {tag for tags in (given.first, given.last, given.never, given.apart) for tag in tags}
        if unknown := sorted(used - self.tags.keys()):
            raise ValueError(f"[evacuation] names the tag {unknown[0]!r}, which [tags] does not have")
        return self

    @model_validator(mode="after")
    def _know_clusters(self) -> Settings:
        for name, host in self.hosts.items():
            if name in self.clusters:
                raise ValueError(
                    f"{name} is in [hosts] and in [clusters]: a node and its cluster have names of their own"
                )
            if host.cluster and host.cluster.lower() not in self.clusters:
                known = f"has {', '.join(self.clusters)}" if self.clusters else "is empty"
                raise ValueError(f"[hosts.{name}] names the cluster {host.cluster!r}, and [clusters] {known}")
        for name, cluster in self.clusters.items():
            if cluster.cluster:
                raise ValueError(f"[clusters.{name}] has the setting cluster, which is for its nodes in [hosts]")
        return self

    @model_validator(mode="before")
    @classmethod
    def _spread_remote(cls, values: Any) -> Any:
        """Give each host and cluster the `[remote]` defaults, and its own name as its address if it has none.

        What was spread is not kept beside: a password stands in the hosts' `SecretStr` fields only.
        """
        remote = values.get("remote") or {}
        sections = {section: values[section] for section in ("clusters", "hosts") if section in values}
        if not isinstance(remote, dict) or not all(isinstance(tables, dict) for tables in sections.values()):
            return values
        clusters: dict[str, Any] = {}
        for section, tables in sections.items():
            spread = {
                name.lower(): {"address": name, **remote, **_of_cluster(name, own, clusters), **own}
                if isinstance(own, dict)
                else own
                for name, own in tables.items()
            }
            clusters = clusters or spread
            sections[section] = spread
        return {**values, **sections, "remote": {}} if sections else values


def _of_cluster(name: str, own: dict[str, Any], clusters: dict[str, Any]) -> dict[str, Any]:
    """What a node has from its cluster."""
    given = clusters.get(str(own.get("cluster", "")).lower())
    return {**given, "address": address_of(name, str(given["address"]))} if isinstance(given, dict) else {}
