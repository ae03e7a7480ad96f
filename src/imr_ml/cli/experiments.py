"""The `experiments` commands: list, show and compare experiments."""

from __future__ import annotations

from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, wide_console

experiments = typer.Typer(help="List, show and compare experiments: the settings to train with.", no_args_is_help=True)
app.add_typer(experiments, name="experiments")

_ExperimentName = Annotated[str, typer.Argument(help="Name of a built-in experiment, or your TOML file.")]


@experiments.command("list")
def list_experiments() -> None:
    """List the built-in experiments."""
    with exit_on_user_error():
        from imr_ml.experiments.reading import built_in_names, read_experiment

        names = built_in_names()
        width = max(map(len, names))
        for name in names:
            typer.echo(f"{name:<{width}}  {read_experiment(name).experiment.description}")


@experiments.command()
def show(experiment: _ExperimentName) -> None:
    """Print every setting of an experiment, as a file to edit."""
    with exit_on_user_error():
        from imr_ml.experiments.reading import read_experiment
        from imr_ml.experiments.schema import to_toml

        typer.echo(to_toml(read_experiment(experiment).experiment.values()), nl=False)


@experiments.command()
def diff(first: _ExperimentName, second: _ExperimentName) -> None:
    """Print the settings in which two experiments differ."""
    with exit_on_user_error():
        from rich.table import Table

        from imr_ml.experiments.reading import changed_keys, read_experiment
        from imr_ml.experiments.schema import format_value

        compared = [read_experiment(first), read_experiment(second)]
        changed = changed_keys(*(experiment.experiment.values() for experiment in compared))
        if not changed:
            typer.echo("all settings are the same")
            return
        table = Table("setting", *(experiment.name for experiment in compared))
        for key, values in changed.items():
            table.add_row(key, *("-" if value is None else format_value(value) for value in values))
        wide_console().print(table, markup=False)


@experiments.command()
def schema() -> None:
    """Print the JSON schema of experiment files, for use in editors."""
    import json

    with exit_on_user_error():
        from imr_ml.experiments.schema import json_schema

        typer.echo(json.dumps(json_schema(), indent=2))
