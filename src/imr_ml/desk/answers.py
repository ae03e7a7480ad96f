"""Answer one request: its prediction as scoring gives it, and the rates of similar decided requests."""

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


Rate = dict[str, Any]
RATE_QUESTIONS = ("category", "treatment", "drug_class", "body_part", "ur_family")
"""What the rates of a table are counted by."""
_FIGURES = ["requests", "overturned", "rate", "low", "high"]
Record = dict[str, Any]
_JSON = ("evidence", "precedents")


class TableRates:
    """Rates of a table of decided requests, counted once.

    Parameters
    ----------
    answered : AnsweredRequests
        With answers to `RATE_QUESTIONS`.
    """

    def __init__(self, answered: AnsweredRequests) -> None:
        self.facts = answered.facts
        self._cells = {name: _cells(answered, name) for name in RATE_QUESTIONS}

    def of_request(self, requests: pd.DataFrame) -> Iterator[Rate]:
        """Rates of what a request names; `requests` is a typed table of one row."""
        answers = answer_questions(requests, RATE_QUESTIONS)
        for name in RATE_QUESTIONS:
            for value in answers[name].iloc[0].split(FAMILY_SEPARATOR):
                if value not in MISSING and value in self._cells[name]:
                    yield {"name": f"{QUESTIONS[name].label}: {_in_words(value)}", **self._cells[name][value]}


def training_rates(decided: DecidedRequests, features: pd.DataFrame, query: Query) -> Iterator[Rate]:
    """Rates of a request's cohorts, the narrowest first, and of all earlier decisions.

    Parameters
    ----------
    decided : DecidedRequests
        What the model learned from.
    features : DataFrame
        Feature frame of one row.
    query : Query
        Of the same row; its own case does not count.
    """
    kinds = Kinds.from_frame(features)
    known = {name: str(getattr(kinds, name)[0]) for name in next(iter(TIERS.values()))}
    (own,) = decided.matching_groups(query)
    earlier = is_earlier(decided.decided_year, query.asked_at)[0] & ~np.isin(decided.group, own)
    for tier, shared in {**TIERS, "all": ()}.items():
        if all(known[name] for name in shared):
            alike = np.all([earlier, *(getattr(decided, name) == known[name] for name in shared)], axis=0)
            names = (
                f"UR cites {_in_words(known[name])}" if name == "ur_families" else _in_words(known[name])
                for name in shared
            )
            yield {"name": ", ".join(names) or "all decided requests", "tier": tier, **_figures(alike, decided)}


def _figures(alike: NDArray[np.bool_], decided: DecidedRequests) -> Rate:
    requests, overturned = int(alike.sum()), int(decided.overturned[alike].sum())
    if requests < LEAST_REQUESTS:
        return {**dict.fromkeys(_FIGURES), "requests": requests}
    return dict(
        zip(_FIGURES, (requests, overturned, overturned / requests, *wilson(overturned, requests)), strict=True)
    )


def _cells(answered: AnsweredRequests, name: str) -> dict[str, Rate]:
    cells = count_rates(answered, [name]).cells.set_index(name)[_FIGURES].astype("object")
    known = cells.where(cells.notna(), None).to_dict("index")
    return {str(value): {str(key): figure for key, figure in cell.items()} for value, cell in known.items()}


def _in_words(value: str) -> str:
    families = value.split()
    if families and all(part in FAMILIES for part in families):
        return " and ".join(FAMILY_NAMES[part] for part in families)
    return value.replace("_", " ")


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
        """Predict one request, given as texts by the names of fields, and list rates by source.

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
        rates = training_rates(self.model.neighbours.decided, features, Query.from_table(table))
        yield {"source": "the model's training data", "rows": list(rates)}
        if self.table:
            yield {"source": str(self.table.facts), "rows": list(self.table.of_request(table))}
