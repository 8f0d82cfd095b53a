from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from bot.lab.winrm import Authority, WinRmServer

from .client import Lab
from .cmdlets import Cmdlets


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="lab")
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def cmdlets(loop: asyncio.AbstractEventLoop) -> Cmdlets:
    return Cmdlets(loop)


@pytest.fixture
def lab(loop: asyncio.AbstractEventLoop, cmdlets: Cmdlets) -> Iterator[Lab]:
    with ExitStack() as cleanup:
        yield Lab(loop, cmdlets, cleanup)


@pytest.fixture
def server(lab: Lab) -> WinRmServer:
    return lab.start()
