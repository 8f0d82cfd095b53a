"""The crash harness' figures, at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a paragraph for the terminal's summary."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for paragraph in config.stash.get(FIGURES, []):
        terminalreporter.section("figures", sep="-")
        terminalreporter.write_line(paragraph)
