"""What all tests may share: a PostgreSQL server, started when first asked for, and figures for the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.postgres import Postgres, postgres

FIGURES = "figures"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Keeps a paragraph for the terminal's summary, whichever process runs the test."""
    return lambda paragraph: record_property(FIGURES, paragraph)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [one for ended in ("passed", "failed") for one in terminalreporter.getreports(ended)]
    paragraphs = [str(value) for one in reports for name, value in one.user_properties if name == FIGURES]
    if paragraphs:
        terminalreporter.section(FIGURES, sep="-")
    for paragraph in paragraphs:
        terminalreporter.write_line(paragraph)
