"""The `ladder` command: compare experiments on the same folds."""

from __future__ import annotations

from typing import Annotated

import typer

from imr_ml.cli.app import app, exit_on_user_error, progress
from imr_ml.cli.data import (
    ColumnMap,
    ColumnsFile,
    DataPath,
    Ocr,
    PartialCounts,
    SheetName,
    SourceName,
    read_training_table,
)


@app.command()
def ladder(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Experiments from simple to complex, by name or file; default: the built-in ladder."),
    ] = None,
    data: DataPath = None,
    source: SourceName = None,
    renames: ColumnMap = None,
    columns: ColumnsFile = None,
    sheet: SheetName = None,
    ocr: Ocr = False,
    partial: PartialCounts = "drop",
    folds: Annotated[int, typer.Option(min=2, help="Folds of the cross-validation.")] = 5,
    repeats: Annotated[int, typer.Option(min=0, help="Repeats of the cross-validation; 0: automatic.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of folds and bootstrap.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 uses all cores.")] = -1,
) -> None:
    """Compare experiments with each other and with reference rates on the same folds; nothing is stored."""
    with exit_on_user_error():
        from imr_ml.cli.evaluation import print_ladder
        from imr_ml.corpus.decisions import InputOptions
        from imr_ml.corpus.mapping import read_mapping
        from imr_ml.evaluation.splits import EvaluationSettings
        from imr_ml.ladder.climbing import climb_requests
        from imr_ml.ladder.reading import read_rungs
        from imr_ml.tracking.git import git_state
        from imr_ml.training_data import decided_requests

        rungs = read_rungs(files or ())
        options = InputOptions(read_mapping(renames or (), columns), partial, sheet, ocr)
        settings = EvaluationSettings(folds=folds, repeats=repeats, seed=seed, jobs=jobs)
        with progress() as start:
            table = read_training_table(data, source, options, start, git_state())
            climbed = climb_requests(decided_requests(table.decisions.requests), settings, rungs, start)
        print_ladder(climbed)
