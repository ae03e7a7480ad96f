"""Answer one request: its prediction as scoring gives it, and the rates behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from imr_ml.corpus.rates import wilson
from imr_ml.corpus.schema import FAMILY_SEPARATOR
from imr_ml.corpus.table import complete_cases
from imr_ml.desk.form import check_fields
from imr_ml.features.frame import feature_frame
from imr_ml.guidelines.types import FAMILIES
from imr_ml.ingest.dmhc import SOURCE as DMHC
from imr_ml.precedents.cohorts import LEAST_REQUESTS
from imr_ml.precedents.decided import Query
from imr_ml.rates.counting import count_rates
from imr_ml.rates.questions import MISSING, QUESTIONS, answer_questions
from imr_ml.reporting.names import FAMILY_NAMES
from imr_ml.scoring.frame import score_frame, type_rows
from imr_ml.scoring.parts import json_lines

if TYPE_CHECKING:
    from imr_ml.model_files import LoadedModel
    from imr_ml.precedents.cohorts import TierCounts
    from imr_ml.rates.counting import AnsweredRequests

Record = dict[str, Any]
RATE_QUESTIONS = ("category", "treatment", "drug_class", "body_part", "ur_family")
"""What the rates of a decided table are counted by."""
_JSON = ("evidence", "precedents")
_NOTHING = {"category": "no category", "body_part": "no body part", "ur_families": "UR's guideline not known"}


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

    def of_request(self, requests: pd.DataFrame) -> Iterator[Record]:
        """Rates of the values that a request, a typed table of one row, has."""
        answers = answer_questions(requests, RATE_QUESTIONS)
        for name in RATE_QUESTIONS:
            for value in answers[name].iloc[0].split(FAMILY_SEPARATOR):
                cell = self._cells[name].get(value)
                if cell is not None and value not in MISSING:
                    yield {"name": f"{QUESTIONS[name].label}: {_in_words(value)}", **cell}


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
        """Prediction of one request, and rates by where they come from.

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
        (tiers,) = self.model.cohorts.counts(feature_frame(table, self.model.nlp), Query.of(table))
        yield {"source": "the model's training data", "rows": [_tier_rate(tier) for tier in tiers if tier.requests]}
        if self.table:
            yield {"source": str(self.table.facts), "rows": list(self.table.of_request(table))}


def _tier_rate(tier: TierCounts) -> Record:
    shared = (_shared_name(part, value) for part, value in tier.shared.items())
    cell: Record = {"name": ", ".join(shared) or "all decided requests", "tier": tier.tier, "requests": tier.requests}
    if tier.requests < LEAST_REQUESTS:
        return cell | dict.fromkeys(("overturned", "rate", "low", "high"))
    low, high = wilson(tier.overturned, tier.requests)
    return cell | {"overturned": tier.overturned, "rate": tier.overturned / tier.requests, "low": low, "high": high}


def _shared_name(part: str, value: str) -> str:
    if not value:
        return _NOTHING[part]
    return f"UR cites {_in_words(value)}" if part == "ur_families" else _in_words(value)


def _cells(answered: AnsweredRequests, name: str) -> dict[str, Record]:
    columns = ["requests", "overturned", "rate", "low", "high"]
    cells = count_rates(answered, [name]).cells.set_index(name)[columns].astype("object")
    known = cells.where(cells.notna(), None).to_dict("index")
    return {str(value): {str(key): figure for key, figure in cell.items()} for value, cell in known.items()}


def _in_words(value: str) -> str:
    families = value.split()
    if families and all(part in FAMILIES for part in families):
        return " and ".join(FAMILY_NAMES[part] for part in families)
    return value.replace("_", " ")
