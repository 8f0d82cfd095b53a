"""Which VM and which host are meant; nothing is ever chosen for the asker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.estate import Estate, Seen, VmState, VmSummary
from bot.core.lookup import find_vms, pick_vm, resolve_host
from bot.core.names import VmId
from bot.errors import Misnamed, Refused
from tests.core.moves import make_host

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
ONE = VmId("11111111-1111-4111-8111-111111111111")
TWO = VmId("22222222-2222-4222-8222-222222222222")


def vm(name: str, host: str, identity: VmId = ONE) -> VmSummary:
    return VmSummary(id=identity, name=name, host=host, state=VmState.RUNNING)


def answered(host: str, *vms: VmSummary) -> Seen:
    return Seen(host=host, at=NOW, vms=vms, info=make_host(host), answered_at=NOW)


def silent(host: str, *held: VmSummary, minutes: int | None = 12) -> Seen:
    last = NOW - timedelta(minutes=minutes) if minutes is not None else None
    return Seen(host=host, at=NOW, failure="no connection", answered_at=last, held=held)


def refusal(estate: Estate, said: str) -> Refused:
    with pytest.raises(Refused) as caught:
        pick_vm(estate, said, NOW)
    return caught.value


def choices(refused: Refused) -> Mapping[str, str]:
    assert isinstance(refused, Misnamed)
    return refused.choices


@pytest.mark.parametrize("said", ["VM-01", "vm-01", ONE, ONE.upper(), f"{{{ONE}}}"])
def test_a_vm_is_found_by_its_name_in_any_letters_and_by_its_id(said: str) -> None:
    estate = Estate(hosts=(answered("host01", vm("VM-02", "host01", TWO)), answered("host02", vm("VM-01", "host02"))))

    assert pick_vm(estate, said, NOW) == vm("VM-01", "host02")


def test_two_vms_of_one_name_are_asked_back() -> None:
    estate = Estate(hosts=(answered("host01", vm("web", "host01")), answered("host02", vm("Web", "host02", TWO))))
    refused = refusal(estate, "web")

    assert refused.saw == "2 virtual machines are called web: on host01 and host02"
    assert choices(refused) == {ONE: "on host01", TWO: "on host02"}
    assert pick_vm(estate, TWO, NOW).host == "host02"


def test_an_id_means_a_vm_before_a_name_does() -> None:
    named_like_an_id = vm(ONE, "host01", TWO)
    estate = Estate(hosts=(answered("host01", named_like_an_id), answered("host02", vm("VM-01", "host02"))))

    assert find_vms(estate, ONE) == (vm("VM-01", "host02"),)
    assert find_vms(Estate(hosts=(answered("host01", named_like_an_id),)), ONE) == (named_like_an_id,)


def test_one_vm_on_two_hosts_is_not_chosen_from() -> None:
    refused = refusal(
        Estate(hosts=(answered("host01", vm("VM-01", "host01")), answered("host02", vm("VM-01", "host02")))), "VM-01"
    )

    assert refused.saw == f"VM-01 ({ONE}) is shown by host01 and host02"


def test_a_name_that_nobody_has_is_answered_with_the_nearest() -> None:
    refused = refusal(Estate(hosts=(answered("host01", vm("Web-Shop", "host01")),)), "webshop")

    assert refused.saw == "no host has a virtual machine called webshop"
    assert choices(refused) == {"Web-Shop": ""}


def test_a_name_like_no_other_is_answered_with_how_to_look() -> None:
    refused = refusal(Estate(hosts=(answered("host01", vm("VM-01", "host01")),)), "accounting")

    assert refused.hint == "`vms host01` lists the virtual machines of host01, `hosts` lists the hosts"


def test_a_silent_host_may_have_it() -> None:
    refused = refusal(Estate(hosts=(answered("host01"), silent("host02"), silent("host03", minutes=None))), "VM-99")

    assert refused.saw == (
        "no host that answers has a virtual machine called VM-99; it may be on host02 or host03; "
        "host02 gives no answer (last answer 12 min ago): no connection; "
        "host03 gives no answer (no answer yet): no connection"
    )
    assert refused.needed == "the name or id of a virtual machine, or an answer from host02 and host03"
    assert refused.hint.endswith("`hosts` asks every host again")


@pytest.mark.parametrize("said", ["vm-07", ONE, ONE.upper()])
def test_a_silent_host_had_it(said: str) -> None:
    refused = refusal(Estate(hosts=(answered("host01"), silent("host02", vm("VM-07", "host02")))), said)

    assert refused.saw == (
        "VM-07 was on host02 when that last answered, 12 min ago; now host02 gives no answer: no connection"
    )
    assert refused.hint == f"`where {said}` looks again"


KNOWN = Estate(hosts=(answered("host01"), silent("host02"), answered("host03.contoso.com")))
NAMES = ("host01", "host02", "host03.contoso.com")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("host01", "host01"),
        ("HOST01", "host01"),
        ("host01.contoso.com", "host01"),  # what the host calls itself
        ("host02.contoso.com", "host02"),  # never read, nothing contradicts
        ("host03", "host03.contoso.com"),
        ("host03.contoso.com", "host03.contoso.com"),
    ],
)
def test_short_and_full_names_are_the_same_host(said: str, name: str) -> None:
    assert resolve_host(NAMES, KNOWN, said) == name


@pytest.mark.parametrize(
    ("said", "namesake", "nearest"),
    [
        ("host1", "", ["host01", "host02"]),
        ("host01.fabrikam.com", "; host01 calls itself host01.contoso.com", ["host01"]),
        ("zeus", "", []),
    ],
)
def test_an_unknown_host_is_refused_with_the_nearest(said: str, namesake: str, nearest: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        resolve_host(NAMES, KNOWN, said)

    assert caught.value.saw == f"Ferry knows no host called {said}{namesake}"
    assert list(choices(caught.value)) == nearest
    assert caught.value.hint == "`hosts` lists them"


def test_a_short_name_of_two_hosts_is_asked_back() -> None:
    with pytest.raises(Misnamed, match=r"web may be web\.contoso\.com or web\.fabrikam\.com") as caught:
        resolve_host(("web.contoso.com", "web.fabrikam.com"), Estate(), "web")

    assert list(choices(caught.value)) == ["web.contoso.com", "web.fabrikam.com"]
