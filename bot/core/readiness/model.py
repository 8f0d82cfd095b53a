"""What a check of readiness rests on, and what it finds: plain frozen values.

A finding says nothing of its hosts in its words, so that many hosts with the same fault share one.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.core.estate import Frozen, Host
from bot.core.freshness import NOT_YET


class Level(StrEnum):
    """In the order in which they are shown."""

    BLOCKING = "blocking"
    WARNING = "warning"
    UNKNOWN = "unknown"  # could not be read: never taken for fine
    FINE = "fine"


class Finding(Frozen):
    """One thing that was checked.

    Attributes:
        code: stable key, like "authentication"; tests name it, people read the text.
        topic, seen: for a table: "authentication", "CredSSP".
        text: what was seen and what it means, as a sentence without its subject; empty for what is fine.
        commands: to be pasted, in this order.
        where: where they are run; empty: on the hosts themselves.
    """

    level: Level
    code: str
    hosts: tuple[str, ...]
    topic: str
    seen: str
    text: str = ""
    commands: tuple[str, ...] = ()
    where: str = ""


class Surroundings(Frozen):
    """What stands around Hyper-V on a host. None: could not be read."""

    service: int | None = None  # ServiceControllerStatus of vmms: 1 stopped, 2 starting, 3 stopping, 4 running
    networks: tuple[str, ...] | None = None  # subnets that take migrations, in their order of preference
    domain: str | None = None  # empty: in a workgroup
    processor: str | None = None  # maker and model, like "GenuineIntel Family 6 Model 106"
    credential_guard: bool | None = None
    clock: datetime | None = None  # what the host's clock said


class Checkup(Frozen):
    """One host asked for everything that live migration rests on, or why there is no answer.

    Attributes:
        began, ended: of the time in which its clock was read.
        failure: why Hyper-V gave no answer; empty: it did, and `info` is there.
        unread: why its surroundings could not be read; empty: they were.
    """

    host: str
    began: datetime
    ended: datetime
    info: Host | None = None
    failure: str = ""
    around: Surroundings = Surroundings()
    unread: str = ""

    @property
    def asked(self) -> bool:
        """Whether it has been asked for anything, ever."""
        return self.failure != NOT_YET


class Target(Frozen):
    """A port of a destination that its source has to reach."""

    address: str
    port: int


class Reached(Frozen):
    """What came of trying it. `open` None: the trying itself did not work, and `failure` says why."""

    target: Target
    open: bool | None
    failure: str = ""


RUNNING_SERVICE = 4
CREDSSP, KERBEROS = 0, 1
SMB = 2
AUTHENTICATIONS = {CREDSSP: "CredSSP", KERBEROS: "Kerberos"}
PERFORMANCES = {0: "TCP/IP", 1: "compression", SMB: "SMB"}
EXTERNAL_SWITCH = 2
