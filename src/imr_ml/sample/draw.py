"""Draw the facts of one letter, with outcomes and guideline families.

A letter draws its dates, person, body regions and *signals* (what the record documents). Each item draws a treatment,
what the administrator cited, an outcome from the signals' effects and interactions for its kind, and the reviewer's
families given the treatment, the region, the administrator's families and the outcome.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from imr_ml.sample.facts import (
    Case,
    Dates,
    Format,
    ItemFacts,
    LetterFacts,
    Table,
    between,
    draw,
    from_quantiles,
    pick,
    table,
)
from imr_ml.sample.families import administrator_cites, families_on, reviewer_cites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from imr_ml.sample.catalog import Region, Treatment
    from imr_ml.sample.model import CitingRates, Kind, LetterRates, Model

_WEEKS = (2, 3, 4, 4, 4, 6, 6, 8)
_PARTS = (0.25, 0.33, 0.5, 0.5, 0.75, 0.8)


def draw_letter(rng: Random, number: int, model: Model) -> LetterFacts:
    """Draw the facts of one letter."""
    rates = model.letter
    count = draw(rng, rates.item_counts)
    case = _case(rng, count, model)
    items = [_item(rng, *placed, case, model) for placed in _placed(rng, count, case.regions, model)]
    return LetterFacts(
        number=number,
        format=case.format,
        in_columns=case.format is Format.CURRENT and rng.random() < rates.in_columns_share,
        dates=case.dates,
        age_years=from_quantiles(rng, rates.age_years),
        female=rng.random() < rates.female_share,
        expedited=rng.random() < rates.expedited_share,
        regions=case.regions,
        side=case.side,
        signals=case.signals,
        items=tuple(_decided_as_one(items) if case.format is Format.PROFESSIONAL_REVIEW else items),
    )


def probability(kind: Kind, signals: dict[str, bool], shift: float, model: Model) -> float:
    """Return the probability of an overturned denial, label noise included, rounded to six decimals."""
    logit = kind.base + sum(effect for name, effect in kind.effects.items() if signals[name])
    for interaction in kind.interactions:
        if all(signals[name] for name in interaction.all) and not any(signals[name] for name in interaction.none):
            logit += interaction.add
    rates = model.outcome
    clean = 1 / (1 + math.exp(-(rates.scale * logit + rates.shift + shift)))
    return round(rates.noise * rates.noise_rate + (1 - rates.noise) * clean, 6)


def _case(rng: Random, count: int, model: Model) -> Case:
    year, year_shift = draw(rng, model.letter.year_shifts)
    format_ = _format(rng, year, model.letter)
    sides = ("right", "left", "right", "left", "bilateral")
    return Case(
        dates=_dates(rng, year, model.letter),
        format=format_,
        regions=_regions(rng, model),
        side=pick(rng, sides),
        signals={name: rng.random() < share for name, share in model.signals.items()},
        ur_habit=_ur_habit(rng, format_, model.citing),
        odg_fond=rng.random() < model.citing.odg_fond_share,
        outcome_draw=rng.random(),
        shift=year_shift + model.outcome.items_shift[min(count, 3) - 1],
    )


def _dates(rng: Random, year: int, rates: LetterRates) -> Dates:
    decision = date(year, 1, 2) + timedelta(days=int(rng.random() * 362))
    assigned = decision - timedelta(days=from_quantiles(rng, rates.assignment_to_decision_days))
    application = assigned - timedelta(days=from_quantiles(rng, rates.application_to_assignment_days))
    denial = application - timedelta(days=from_quantiles(rng, rates.denial_to_application_days))
    chronic = rng.random() < rates.chronic_share
    days = from_quantiles(rng, rates.chronic_injury_to_denial_days if chronic else rates.injury_to_denial_days)
    return Dates(denial - timedelta(days=days), denial, application, assigned, decision)


def _format(rng: Random, year: int, rates: LetterRates) -> Format:
    formats = rates.formats_by_year.get(year)
    return draw(rng, formats) if formats else Format.CURRENT


def _regions(rng: Random, model: Model) -> tuple[Region, ...]:
    regions = [draw(rng, model.regions)]
    for share in (model.letter.second_region_share, model.letter.third_region_share):
        if rng.random() >= share:
            break
        another = draw(rng, model.regions)
        if another not in regions:
            regions.append(another)
    return tuple(regions)


def _treatments(rng: Random, count: int, model: Model) -> list[Treatment]:
    group = draw(rng, model.first_groups[count > 2])
    chosen = [draw(rng, model.treatments[group])]
    while len(chosen) < count:
        if rng.random() < model.letter.same_treatment_share:
            chosen.append(chosen[-1])
        else:
            chosen.append(draw(rng, model.treatments[draw(rng, model.next_groups[group])]))
    return chosen


def _placed(rng: Random, count: int, regions: tuple[Region, ...], model: Model) -> list[tuple[Treatment, Region]]:
    """Treatments with their regions; what goes with an operation concerns the region operated on."""
    treatments = _treatments(rng, count, model)
    places = [_region_for(rng, treatment, regions, model) for treatment in treatments]
    return [
        (treatment, places[0] if treatment.group == "perioperative" else place)
        for treatment, place in zip(treatments, places, strict=True)
    ]


def _region_for(rng: Random, treatment: Treatment, regions: tuple[Region, ...], model: Model) -> Region:
    region = regions[0] if rng.random() < model.letter.same_region_share else pick(rng, regions)
    if not treatment.regions or region.name in treatment.regions:
        return region
    fitting = [other for other in regions if other.name in treatment.regions]
    return fitting[0] if fitting else draw(rng, _regions_of(treatment, model))


def _regions_of(treatment: Treatment, model: Model) -> Table[Region]:
    return table((region, region.weight) for region in model.region if region.name in treatment.regions)


def _ur_habit(rng: Random, format_: Format, rates: CitingRates) -> str:
    """How the administrator cites in this letter; a professional review does not tell."""
    if format_ is Format.PROFESSIONAL_REVIEW:
        return "nothing"
    place = rng.random()
    return (
        "nothing" if place < rates.ur_nothing else "outside" if place < rates.ur_nothing + rates.ur_outside else "mtus"
    )


def _item(rng: Random, treatment: Treatment, region: Region, case: Case, model: Model) -> ItemFacts:
    amount, per_week, weeks = _amount(rng, treatment)
    authorized = _authorized(rng, treatment, amount, model) if case.format.headed else None
    retrospective = rng.random() < model.letter.retrospective_share
    p = probability(model.kinds[treatment.kind], case.signals, _shift(case, authorized, retrospective, model), model)
    overturned = (case.outcome_draw if rng.random() < model.outcome.shared_draw else rng.random()) < p
    ur_cites = administrator_cites(rng, treatment, case.ur_habit, model.citing)
    cites = reviewer_cites(rng, treatment, region, ur_cites, overturned, case, model.citing)
    return ItemFacts(
        treatment=treatment,
        region=region,
        side=case.side if region.sided else "",
        amount=amount,
        per_week=per_week,
        weeks=weeks,
        authorized=authorized,
        retrospective=retrospective,
        ur_cites=ur_cites,
        cites=cites,
        ur_families=families_on(ur_cites, case.dates.decision),
        families=families_on(cites, case.dates.decision),
        p_overturned=p,
        overturned=overturned,
    )


def _decided_as_one(items: list[ItemFacts]) -> Iterator[ItemFacts]:
    """The items of a professional review, which decides all its issues at once: as the first of them."""
    first = items[0]
    for item in items:
        yield replace(
            item,
            p_overturned=first.p_overturned,
            overturned=first.overturned,
            cites=first.cites,
            families=first.families,
        )


def _shift(case: Case, authorized: int | None, retrospective: bool, model: Model) -> float:
    partial = model.outcome.partial_shift if authorized is not None else 0.0
    return case.shift + partial + (model.outcome.retrospective_shift if retrospective else 0.0)


def _amount(rng: Random, treatment: Treatment) -> tuple[int, int, int]:
    per_week, weeks = between(rng, 1, 3), pick(rng, _WEEKS)
    return (
        (pick(rng, treatment.quantities), per_week, weeks)
        if treatment.quantities
        else (per_week * weeks, per_week, weeks)
    )


def _authorized(rng: Random, treatment: Treatment, amount: int, model: Model) -> int | None:
    if treatment.partial is None or amount < 3 or rng.random() >= model.letter.partial_share:
        return None
    return max(1, min(amount - 1, round(amount * pick(rng, _PARTS))))
