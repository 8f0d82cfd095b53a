"""The sections about who may do what. They say what is granted; whether it can be meant is `bot.core.policy.lint`'s."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from bot.settings.kinds import Section, split_list

_WHO = re.compile(r"[UWS][A-Z0-9]+\Z")
_PLACE = re.compile(r"([CG][A-Z0-9]+|direct)\Z")


def _check_who(ids: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [one for one in ids if not _WHO.match(one)]:
        raise ValueError(
            f"takes ids of people, like U012ABCDEF (in a profile: Copy member ID), and of user groups, like S012ABCDEF"
            f" (in the group's menu: Copy group ID), not {wrong[0]!r}"
        )
    return ids


def _check_places(ids: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [one for one in ids if not _PLACE.match(one)]:
        raise ValueError(
            f'takes channel ids, like C012ABCDE (below a channel\'s details), and "direct", not {wrong[0]!r}'
        )
    return ids


Names = Annotated[tuple[str, ...], BeforeValidator(split_list)]
Who = Annotated[tuple[str, ...], BeforeValidator(split_list), AfterValidator(_check_who)]
Places = Annotated[tuple[str, ...], BeforeValidator(split_list), AfterValidator(_check_places)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ScopeSettings(Section):
    """What something is about: everything that is given has to fit."""

    actions: Names = Field(
        (),
        description=(
            "vm.migrate, vm.move_storage, host.evacuate, host.prepare, host.maintain; of a rule also hold.freeze,"
            " hold.lock; empty: all of them"
        ),
    )
    vms: Names = Field((), description="names of VMs; * stands for any characters", examples=["WEB-*"])
    tags: Names = Field((), description="VMs with one of these tags")
    hosts: Names = Field((), description="names of hosts, all that a plan touches; * stands for any characters")
    clusters: Names = Field((), description="names of failover clusters")
    storage: Names = Field((), description="folders below which files may be put", examples=["D:\\VMs"])


class RuleSettings(ScopeSettings):
    """One rule: it lets some people do something."""

    who: Who = Field((), description="Slack user ids and user group ids; never names")
    may: tuple[Literal["look", "run", "approve", "operate"], ...] = Field(
        ("run",), min_length=1, description="some of look, run, approve, operate; each of the others includes look"
    )
    channels: Places = Field((), description='channel ids, and "direct" for direct messages; empty: anywhere')
    hours: Names = Field((), description="names of hours in which it holds; empty: always")


class ApprovalSettings(ScopeSettings):
    """Approvals that a plan needs after its confirmation, if it touches any of this."""

    needed: int = Field(1, ge=1, le=20, description="by so many different people")
    of: Who = Field((), description="who they may be, ids of people and groups; empty: whoever may approve the plan")
    requester: bool = Field(False, description="whether who asked for it may be one of them")
    more_than: int = Field(0, ge=0, description="only evacuations and drains of more VMs than this; 0: any plan")
    outside: Names = Field((), description="only outside of all these hours; empty: always")


class HoursSettings(Section):
    """Hours of the week that rules and approvals name."""

    days: tuple[Day, ...] = Field(DAYS[:5], description="mon, tue, wed, thu, fri, sat, sun")
    begins: time = Field(time(8), description="time of day, like 08:00", examples=["08:00"])
    ends: time = Field(time(18), description="time of day; before the beginning: over midnight", examples=["18:00"])


class PolicySettings(Section):
    """How the rules are held."""

    time_zone: str = Field("UTC", description="that all hours are in, like Europe/Berlin")
    admit: Annotated[tuple[Literal["guests", "strangers", "shared-channels"], ...], BeforeValidator(split_list)] = (
        Field(
            (),
            description=(
                "whom rules may let change something beside full members in channels of their own: guests, strangers"
                " (people of other workspaces), shared-channels; looking is the rules' alone"
            ),
            examples=['["guests"]'],
        )
    )
    groups_minutes: float = Field(
        15,
        ge=2,
        description="minutes after which what Slack said of a user group, a person or a channel no longer counts",
    )
    approval_minutes: float = Field(60, gt=0, description="minutes that a confirmed operation waits for approval")
    windows: Names = Field((), description="names of hours that `in the next window` means", examples=["night"])
    missed_minutes: float = Field(
        15, gt=0, description="minutes after its time for which what was scheduled still begins without asking again"
    )
    reminder_minutes: float = Field(10, gt=0, description="minutes before that ends when the thread is reminded")

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is no time zone of the IANA's list, like Europe/Berlin") from None
        return value
