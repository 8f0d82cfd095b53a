"""Shares a file in Slack: asks for an address, sends the bytes there, says which thread they are for.

Rules: nothing is repeated; the bytes go to an address that is a secret of its own, without the bot's token.

Facts (Slack developer docs, "files.getUploadURLExternal", "files.completeUploadExternal"): nobody sees the file before
the last step, and Slack drops what is not completed; completing works once; alt_txt has at most 1000 characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from slack_sdk import WebClient

from bot.core.operation import Place
from bot.errors import ChatError
from bot.slack.errors import slack_errors

_LONGEST_ALT_TEXT = 1000


def share_file(client: WebClient, place: Place, name: str, data: bytes, title: str) -> None:
    """Raises ChatError; it says "maybe done" only where the file may be in the thread."""
    with _unseen():
        ticket = client.files_getUploadURLExternal(filename=name, length=len(data), alt_txt=title[:_LONGEST_ALT_TEXT])
        _send(client, str(ticket["upload_url"]), data)
    with slack_errors():
        client.files_completeUploadExternal(
            files=[{"id": ticket["file_id"], "title": title}], channel_id=place.channel, thread_ts=place.thread
        )


@contextmanager
def _unseen() -> Iterator[None]:
    try:
        with slack_errors():
            yield
    except ChatError as error:
        error.maybe_done = False
        raise


def _send(client: WebClient, url: str, data: bytes) -> None:
    request = Request(url, data, {"Content-Type": "application/octet-stream"}, method="POST")  # noqa: S310 - Slack's own
    with _opener(client).open(request, timeout=client.timeout) as answer:
        answer.read()


def _opener(client: WebClient) -> OpenerDirector:
    """Through the client's proxy, or directly: by itself urllib would look for a proxy in the environment."""
    proxies = {} if client.proxy is None else {"http": client.proxy, "https": client.proxy}
    return build_opener(ProxyHandler(proxies), HTTPSHandler(context=client.ssl))
