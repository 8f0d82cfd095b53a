"""What an entry is told as, and how the past is worded; for any name that a host or a person may have given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.history import Deed, Found, Record, read_record, render_history
from bot.core.journal import GENESIS, link
from bot.core.names import check_age, check_topic, to_timedelta
from bot.core.reply import Code, Note, Reply, Strong, Text, User
from tests.asking import ALICE, NOW, plain


def record(**values: object) -> Record:
    told = {"seq": 1, "at": NOW.isoformat(), "operation": "m-1", "event": "propose", "hash": "f" * 64} | values
    return Record.model_validate(told)


def lines(reply: Reply) -> list[str]:
    (text,) = [part for part in reply.parts if isinstance(part, Text)]
    return [plain(line[1:]) for line in text.lines]  # without the moment


MOVED = {"who": ALICE, "vm": "VM-01", "source": "host01", "destination": "host02", "digest": "d" * 64}


@pytest.mark.parametrize(
    ("deed", "shown"),
    [
        (
            Deed(record=record(**MOVED, summary="migrate VM-01 to host02"), state="proposed"),
            "asked for `m-1`: migrate VM-01 to host02 · proposed",
        ),
        (
            Deed(
                record=record(who=ALICE, vm="evacuate host01", source="host01", digest="d" * 64, event="pause"),
                state="under way",
            ),
            "paused `m-1`: evacuate host01 · under way",
        ),
        (
            Deed(record=record(**MOVED, event="confirm"), state="succeeded", outcome="running on host02"),
            "confirmed `m-1`: VM-01 from host01 to host02 · succeeded: running on host02",
        ),
        (
            Deed(record=record(**(MOVED | {"destination": "host01"}), event="ask to cancel"), state="running"),
            "asked to stop `m-1`: VM-01 · running",
        ),
        (
            Deed(record=record(who=ALICE, event="refuse", operation="policy", vm="VM-01", summary="migrate VM-01")),
            "was refused: migrate VM-01",
        ),
        (Deed(record=record(who=ALICE, event="anchor", operation="journal")), "anchored the journal"),
        (Deed(record=record(**MOVED, event="levitate")), "levitate `m-1`: VM-01 from host01 to host02"),
    ],
)
def test_a_deed_is_one_line(deed: Deed, shown: str) -> None:
    assert lines(render_history(Found(deeds=(deed,), total=1), "", "")) == [f" · {User(id=ALICE)} {shown}"]


def test_names_stay_plain_text_that_chat_escapes() -> None:
    """A bare string is escaped by whoever renders it; nothing of a name may become any other span."""
    hostile = record(**(MOVED | {"vm": "<!here> `x` *b*"}), event="confirm")
    reply = render_history(Found(deeds=(Deed(record=hostile),), total=1), "<!here> `x`", "2h")
    (text,) = [part for part in reply.parts if isinstance(part, Text)]
    assert [span for span in text.lines[0] if isinstance(span, Code | Strong)] == [Code(text="m-1")]
    assert Strong(text="<!here> `x`") in reply.title


def test_a_long_summary_is_cut() -> None:
    (line,) = lines(render_history(Found(deeds=(Deed(record=record(who=ALICE, summary="x" * 5000)),), total=1), "", ""))
    assert len(line) < 300
    assert line.endswith("x…")


def test_how_many_more_there_are_is_said() -> None:
    reply = render_history(Found(deeds=(Deed(record=record(who=ALICE)),) * 20, total=55), "VM-01", "")
    (note,) = [part for part in reply.parts if isinstance(part, Note)]
    assert plain(note.line) == "and 35 more before that; `ferry history` where Ferry runs lists them all"
    assert len(lines(reply)) == 20


@pytest.mark.parametrize(
    ("what", "age", "by_words", "title"),
    [
        ("", "", False, "Nothing that anybody did is on record"),
        ("VM-01", "2h", True, "Nothing that anybody did is on record of VM-01 in the last 2h"),
    ],
)
def test_nothing_is_said_to_be_nothing(what: str, age: str, by_words: bool, title: str) -> None:
    assert plain(render_history(Found(deeds=(), total=0, by_words=by_words), what, age).title) == title


def test_a_person_is_named_as_a_person() -> None:
    assert User(id=ALICE) in render_history(Found(deeds=(), total=0), ALICE, "").title


def test_an_entry_that_cannot_be_read_is_kept_as_such() -> None:
    entry = link(1, GENESIS, {"operation": "m-1", "event": "propose"})
    read = read_record(entry.model_copy(update={"body": "}{"}), None)
    assert (read.seq, read.operation, read.event) == (1, "m-1", "unreadable")


def test_entries_of_kinds_that_are_not_known_are_read_without_guessing() -> None:
    entry = link(1, GENESIS, {"operation": "e-1", "event": "split", "plan": "none", "by": 7, "outcome": []})
    read = read_record(entry, None)
    assert (read.event, read.who, read.vm, read.summary) == ("split", "", "", "")


# What may be asked for


@pytest.mark.parametrize(
    ("said", "topic"), [("VM-01", "VM-01"), ("<@U012ABC>", "U012ABC"), ("<@W012ABC|eve>", "W012ABC"), ("a b", "a b")]
)
def test_a_topic_is_a_name_or_a_person(said: str, topic: str) -> None:
    assert check_topic(said) == topic
    assert check_topic(topic) == topic


@pytest.mark.parametrize("said", ["", " ", "x" * 101, "VM-*", "VM\u202e", "a\nb"])
def test_what_is_no_topic_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="what to look for"):
        check_topic(said)


@pytest.mark.parametrize(
    ("said", "age"),
    [
        ("45s", timedelta(seconds=45)),
        ("90min", timedelta(minutes=90)),
        ("5M", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("9999w", timedelta(weeks=9999)),
    ],
)
def test_an_age_is_a_number_and_a_unit(said: str, age: timedelta) -> None:
    assert to_timedelta(check_age(said)) == age


@pytest.mark.parametrize("said", ["", "2", "h", "0h", "-2h", "2 h", "2y", "99999d", "1.5h", "yesterday"])
def test_what_is_no_age_is_refused_with_an_example(said: str) -> None:
    with pytest.raises(ValueError, match="like 90min, 2h or 3d"):
        check_age(said)
