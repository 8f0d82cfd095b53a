"""Options and arguments that several commands of the command line take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Scenario = Annotated[
    str,
    typer.Option(
        help="which simulated estate: small, dead-host, busy-host, rack, full, scattered, slow-link, hot-vms, cluster"
    ),
]
Speed = Annotated[
    float | None,
    typer.Option(min=0.01, help="how many simulated seconds pass in one real second; else the scenario's own"),
]
User = Annotated[str, typer.Option("--as", help="who speaks: alice and bob may command, mallory may not")]
Config = Annotated[Path | None, typer.Option(help="settings file; else FERRY_CONFIG, else ferry.toml here")]
Files = Annotated[
    Path | None, typer.Option(help="folder for files that Ferry shares; else ferry-files among temporary files")
]
Text = Annotated[str, typer.Argument(help="what a person would say in the channel")]
