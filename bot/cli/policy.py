"""`ferry policy …`: what the settings say about who may do what."""

from __future__ import annotations

import typer

from bot.cli.options import Config
from bot.settings import load

app = typer.Typer(help="Who may do what, by the settings.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def check(config: Config = None) -> None:
    """Look for rules and approvals that cannot be meant. Exit status 1 if there are any."""
    from bot.operations.policy import find_problems, render_problems
    from bot.slack.groups import read_groups

    settings = load(config)
    members = read_groups(settings.slack, settings.user_groups)
    problems = find_problems(settings, members)
    typer.echo(render_problems(settings, problems, asked=members is not None))
    raise typer.Exit(1 if problems else 0)
