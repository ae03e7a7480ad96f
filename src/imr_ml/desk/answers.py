"""Answer one request: its prediction as scoring gives it, and the rates behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from imr_ml.corpus.table import complete_cases
from imr_ml.desk.form import check_fields
from imr_ml.desk.rates import training_rates
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.dmhc import SOURCE as DMHC
from imr_ml.precedents.decided import Query
from imr_ml.scoring.frame import score_frame, type_rows
from imr_ml.scoring.output import json_lines

if TYPE_CHECKING:
    from imr_ml.desk.rates import TableRates
    from imr_ml.model_files import LoadedModel

Record = dict[str, Any]
_JSON = ("evidence", "precedents")


@dataclass(frozen=True, slots=True)
class Desk:
    """What answers: a model, and the rates of a table where there is one."""

    model: LoadedModel
    table: TableRates | None = None

    @property
    def source(self) -> str:
        """Source of the model's training data."""
        return str(self.model.facts["data"]["source"])

    def answer(self, given: object) -> Record:
        """Predict one request, and list rates by source.

        Parameters
        ----------
        given : object
            Texts by the names of fields; see `check_fields`.

        Raises
        ------
        DeskError
            For fields that can't be used. A request that can't be scored has its reason in ``error``.
        """
        fields = check_fields(given, self.source)
        # Determinations of the DMHC come without a summary.
        kind = {"source": DMHC} if self.source == DMHC else {}
        frame = pd.DataFrame([{"request": None, "clinical_summary": None, **fields, **kind}])
        scored = score_frame(frame, self.model).drop(columns=frame.columns)
        row = json.loads(json_lines(scored))
        row |= {name: json.loads(row[name]) for name in _JSON if row[name]}
        row["p_families"] = [row.pop(f"p_{family}") for family in FAMILIES]
        return {"row": row, "rates": [] if row["error"] else list(self._rates(frame))}

    def _rates(self, frame: pd.DataFrame) -> Iterator[Record]:
        table = complete_cases(type_rows(frame).table)
        features = feature_frame(table, self.model.nlp)
        rates = training_rates(self.model.neighbours.decided, features, Query.of(table))
        yield {"source": "the model's training data", "rows": list(rates)}
        if self.table:
            yield {"source": str(self.table.facts), "rows": list(self.table.of_request(table))}
