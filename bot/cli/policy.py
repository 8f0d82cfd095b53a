"""`ferry policy …`: what the settings say about who may do what."""

from __future__ import annotations

import typer

from bot.cli.options import Config
from bot.settings import load

app = typer.Typer(help="Who may do what, by the settings.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def check(config: Config = None) -> None:
    """Look for rules and approvals that cannot be meant. Exit status 1 if there are any."""
    from bot.core.policy import asks_about
    from bot.operations.policy import find_problems, read_admitted, render_problems
    from bot.slack.groups import read_groups, read_marks

    settings = load(config)
    members = read_groups(settings.slack, settings.user_groups)
    admitted = read_admitted(settings)
    marks = read_marks(settings.slack, [one for one in settings.named if asks_about(one, admitted)])
    problems = find_problems(settings, members, marks or {})
    typer.echo(render_problems(settings, problems, asked=members is not None and marks is not None))
    raise typer.Exit(1 if problems else 0)
