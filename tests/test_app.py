"""Roles and sites: which processes there may be, and what each of them is made of."""

from __future__ import annotations

import pytest

from bot.app import Role, build
from bot.errors import Refused
from bot.settings import Settings

POSTGRES = "postgresql://ferry@server/ferry"


def settings(url: str = POSTGRES) -> Settings:
    hosts = {"host01": {"site": "north"}, "host02": {}, "host03": {"site": "north"}}
    return Settings.model_validate({"operations": {"database_url": url}, "hosts": hosts})


def test_a_worker_needs_no_slack_and_watches_the_hosts_of_its_site() -> None:
    worker = build(settings(), role=Role.WORKER, site="north")
    assert [type(part).__name__ for part in worker.parts] == ["Inventory", "Steward", "Engine"]
    assert worker.inventory.background == ("host01", "host03")
    assert worker.bot_user == ""
    worker.stop()


def test_a_worker_without_a_site_serves_all() -> None:
    worker = build(settings(), role=Role.WORKER)
    assert worker.inventory.background == ("host01", "host02", "host03")
    worker.stop()


def test_whoever_hears_people_needs_slack() -> None:
    with pytest.raises(Refused, match="SLACK_BOT_TOKEN is empty"):
        build(settings(), role=Role.BOT)


def test_a_site_that_no_host_is_on_is_refused() -> None:
    with pytest.raises(Refused, match="no host of the settings is on site south") as refusal:
        build(settings(), role=Role.WORKER, site="south")
    assert refusal.value.needed == "one of north, main"


@pytest.mark.parametrize(("role", "site"), [(Role.BOT, None), (Role.WORKER, None), (Role.ALL, "north")])
def test_a_sqlite_file_is_for_one_process_that_does_everything(role: Role, site: str | None) -> None:
    with pytest.raises(Refused, match="a SQLite file is for one process"):
        build(settings("sqlite:///ferry.sqlite"), role=role, site=site)
