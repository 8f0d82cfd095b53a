"""`explain`: what a person reads who has an error of a host in hand."""

from __future__ import annotations

import commands
from bot.core.reply import Note, Reply
from bot.registry import discover
from tests.asking import Tray, make_dispatcher, plain, said, text_of


def answer(text: str) -> Reply:
    reply = make_dispatcher(Tray(), discover(commands)).answer(said(text))
    assert reply is not None
    return reply


def test_a_code_is_told_with_cause_remedy_and_what_ferry_does() -> None:
    reply = answer("explain 0x8009030E")
    assert text_of(reply) == (
        "What a host means by `0x8009030E`\n"
        "The source host has no credentials that it may use at the destination: delegation is not set up\n"
        "Remedy: On both hosts: Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos. In Active Directory: "
        "delegate cifs and Microsoft Virtual System Migration Service from source to destination, with any "
        "authentication protocol. Then on the source: klist purge -li 0x3e7, and wait 15 minutes\n"
        "Ferry does not repeat it: a person has to change something first."
    )
    (note,) = [part for part in reply.parts if isinstance(part, Note)]
    assert plain(note.line) == "no_credentials · configuration · 0x8009030E, 0x8009030D, 20306"


def test_an_event_of_several_causes_tells_them_all() -> None:
    shown = text_of(answer("explain 21502"))
    assert "The destination has no virtual switch of that name" in shown
    assert "The processors of the hosts differ for this VM" in shown


def test_an_unknown_code_says_so_and_offers_the_nearest() -> None:
    reply = answer("explain 0x8009030F")
    assert text_of(reply) == (
        "Ferry's catalogue does not know `0x8009030F`\n"
        "Needed: a code, an identifier, an event's number, or words of a host\n"
        "did you mean `explain 0x8009030E`?"
    )
    assert reply.private


def test_nothing_near_sends_to_the_event_logs() -> None:
    assert text_of(answer("explain flying saucers")).endswith("read the event logs of both hosts around that time")
