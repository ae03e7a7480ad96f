"""Predict one request, and list the overturn rates of similar decided requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from imr_ml.corpus.rates import wilson
from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.corpus.table import complete_cases
from imr_ml.desk.form import check_fields
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.dmhc import SOURCE as DMHC
from imr_ml.precedents.cohorts import LEAST_REQUESTS, TIERS
from imr_ml.precedents.decided import Query, is_earlier
from imr_ml.precedents.kinds import Kinds
from imr_ml.rates.counting import count_rates
from imr_ml.rates.questions import MISSING, QUESTIONS, answer_questions
from imr_ml.reporting.names import FAMILY_NAMES
from imr_ml.scoring.frame import score_frame, type_rows
from imr_ml.scoring.output import json_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imr_ml.model_files import LoadedModel
    from imr_ml.precedents.decided import DecidedRequests
    from imr_ml.rates.counting import AnsweredRequests


Record = dict[str, Any]
RATE_QUESTIONS = ("category", "treatment", "drug_class", "body_part", "ur_family")
"""Characteristics by which the rates of a table are counted."""
_FIGURES = ["requests", "overturned", "rate", "low", "high"]
_JSON = ("evidence", "precedents")


class TableRates:
    """Overturn rates of a table of decided requests.

    Parameters
    ----------
    answered : AnsweredRequests
        Decided requests with answers to `RATE_QUESTIONS`.
    """

    def __init__(self, answered: AnsweredRequests) -> None:
        self.facts = answered.facts
        self._rates = {name: _count_cells(answered, name) for name in RATE_QUESTIONS}

    def of_request(self, requests: pd.DataFrame) -> Iterator[Record]:
        """Yield the rates for the characteristics of a request, given as a typed table of one row."""
        answers = answer_questions(requests, RATE_QUESTIONS)
        for name in RATE_QUESTIONS:
            for value in answers[name].iloc[0].split(FAMILY_SEPARATOR):
                if value not in MISSING and value in self._rates[name]:
                    yield {"name": f"{QUESTIONS[name].label}: {_display_name(value)}", **self._rates[name][value]}


def training_rates(decided: DecidedRequests, features: pd.DataFrame, query: Query) -> Iterator[Record]:
    """Yield the rates of the cohorts of a request, the narrowest first, and of all earlier decisions.

    Parameters
    ----------
    decided : DecidedRequests
        Training data of the model.
    features : DataFrame
        Feature frame of the request, one row.
    query : Query
        Query for the same request; its case is excluded.
    """
    kinds = Kinds.from_frame(features)
    values = {name: str(getattr(kinds, name)[0]) for name in next(iter(TIERS.values()))}
    (own_groups,) = decided.matching_groups(query)
    earlier = is_earlier(decided.decided_year, query.asked_at)[0] & ~np.isin(decided.group, own_groups)
    for tier, columns in {**TIERS, "all": ()}.items():
        if all(values[name] for name in columns):
            is_similar = np.all([earlier, *(getattr(decided, name) == values[name] for name in columns)], axis=0)
            names = (
                f"UR cites {_display_name(values[name])}" if name == "ur_families" else _display_name(values[name])
                for name in columns
            )
            yield {
                "name": ", ".join(names) or "all decided requests",
                "tier": tier,
                **_compute_figures(is_similar, decided),
            }


def _compute_figures(is_similar: NDArray[np.bool_], decided: DecidedRequests) -> Record:
    requests, overturned = int(is_similar.sum()), int(decided.overturned[is_similar].sum())
    if requests < LEAST_REQUESTS:
        return {**dict.fromkeys(_FIGURES), "requests": requests}
    return dict(
        zip(_FIGURES, (requests, overturned, overturned / requests, *wilson(overturned, requests)), strict=True)
    )


def _count_cells(answered: AnsweredRequests, name: str) -> dict[str, Record]:
    cells = count_rates(answered, [name]).cells.set_index(name)[_FIGURES].astype("object")
    records = cells.where(cells.notna(), None).to_dict("index")
    return {str(value): {str(key): figure for key, figure in cell.items()} for value, cell in records.items()}


def _display_name(value: str) -> str:
    families = value.split()
    if families and all(part in FAMILIES for part in families):
        return " and ".join(FAMILY_NAMES[part] for part in families)
    return value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Desk:
    """A model with the rates of an optional table."""

    model: LoadedModel
    table: TableRates | None = None

    @property
    def source(self) -> str:
        """Source of the model's training data."""
        return str(self.model.facts["data"]["source"])

    def answer(self, content: object) -> Record:
        """Predict a request, given as a dict of texts by field name, and list rates by source.

        Raises
        ------
        DeskError
            If a field is invalid. If a request can't be scored, its ``error`` has the reason instead.
        """
        fields = check_fields(content, self.source)
        # Determinations of the DMHC have no summary.
        constants = {"source": DMHC} if self.source == DMHC else {}
        frame = pd.DataFrame([{"request": None, "clinical_summary": None, **fields, **constants}])
        scored = score_frame(frame, self.model).drop(columns=frame.columns)
        row = json.loads(json_lines(scored))
        row |= {name: json.loads(row[name]) for name in _JSON if row[name]}
        row["p_families"] = [row.pop(f"p_{family}") for family in FAMILIES]
        return {"row": row, "rates": [] if row["error"] else list(self._rates(frame))}

    def _rates(self, frame: pd.DataFrame) -> Iterator[Record]:
        table = complete_cases(type_rows(frame).table)
        features = feature_frame(table, self.model.nlp)
        rates = training_rates(self.model.neighbours.decided, features, Query.from_table(table))
        yield {"source": "the model's training data", "rows": list(rates)}
        if self.table:
            yield {"source": str(self.table.facts), "rows": list(self.table.of_request(table))}
