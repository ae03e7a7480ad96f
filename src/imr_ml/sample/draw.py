"""Draw the facts of one letter, with outcomes and guideline families.

A letter has dates, a person, body regions and *signals*: facts that the record documents. An item has a treatment, the
administrator's citations, an outcome that depends on the effects and interactions of the signals for its kind, and the
reviewer's families, which depend on the treatment, the region, the administrator's families and the outcome.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from imr_ml.sample.chance import draw, draw_between, draw_quantile, pick, table
from imr_ml.sample.citing import draw_administrator_topics, draw_reviewer_topics, families_on
from imr_ml.sample.facts import Case, Dates, ItemFacts, LetterFacts
from imr_ml.sample.model import CitingRates, Format, Kind, LetterRates, Model, Region, Treatment

_SIDES = ("right", "left", "right", "left", "bilateral")
_WEEKS = (2, 3, 4, 4, 4, 6, 6, 8)
_AUTHORIZED_SHARES = (0.25, 0.33, 0.5, 0.5, 0.75, 0.8)


def draw_letter(rng: Random, number: int, model: Model) -> LetterFacts:
    """Draw the facts of the letter with index `number`."""
    rates = model.letter
    count = draw(rng, rates.item_counts)
    case = _draw_case(rng, count, model)
    items = [
        _draw_item(rng, treatment, region, case, model) for treatment, region in _draw_services(rng, count, case, model)
    ]
    if case.format is Format.PROFESSIONAL_REVIEW:
        items = [_copy_decision(items[0], item) for item in items]
    return LetterFacts(
        **vars(case),
        number=number,
        in_columns=case.format is Format.CURRENT and rng.random() < rates.in_columns_share,
        age_years=draw_quantile(rng, rates.age_years),
        female=rng.random() < rates.female_share,
        expedited=rng.random() < rates.expedited_share,
        items=tuple(items),
    )


def probability(kind: Kind, signals: dict[str, bool], shift: float, model: Model) -> float:
    """Compute the probability of an overturned denial, including label noise, rounded to six decimals.

    Parameters
    ----------
    kind : Kind
        Kind of request.
    signals : dict of str to bool
        Whether the record documents each signal.
    shift : float
        Shift of the logit by other facts of the letter and the item.
    model : Model
        Rates of noise and scale.
    """
    logit = kind.base + sum(effect for name, effect in kind.effects.items() if signals[name])
    for interaction in kind.interactions:
        if all(signals[name] for name in interaction.all) and not any(signals[name] for name in interaction.none):
            logit += interaction.add
    rates = model.outcome
    clean = 1 / (1 + math.exp(-(rates.scale * logit + rates.shift + shift)))
    return round(rates.noise * rates.noise_rate + (1 - rates.noise) * clean, 6)


def _draw_case(rng: Random, count: int, model: Model) -> Case:
    year, year_shift = draw(rng, model.letter.year_shifts)
    formats = model.letter.formats_by_year.get(year)
    format_ = draw(rng, formats) if formats else Format.CURRENT
    return Case(
        dates=_draw_dates(rng, year, model.letter),
        format=format_,
        regions=_draw_regions(rng, model),
        side=pick(rng, _SIDES),
        signals={name: rng.random() < share for name, share in model.signals.items()},
        ur_habit=_draw_habit(rng, format_, model.citing),
        odg_fond=rng.random() < model.citing.odg_fond_share,
        outcome_draw=rng.random(),
        shift=year_shift + model.outcome.items_shift[min(count, 3) - 1],
    )


def _draw_dates(rng: Random, year: int, rates: LetterRates) -> Dates:
    decision = date(year, 1, 2) + timedelta(days=int(rng.random() * 362))
    assigned = decision - timedelta(days=draw_quantile(rng, rates.assignment_to_decision_days))
    application = assigned - timedelta(days=draw_quantile(rng, rates.application_to_assignment_days))
    denial = application - timedelta(days=draw_quantile(rng, rates.denial_to_application_days))
    chronic = rng.random() < rates.chronic_share
    days = draw_quantile(rng, rates.chronic_injury_to_denial_days if chronic else rates.injury_to_denial_days)
    return Dates(denial - timedelta(days=days), denial, application, assigned, decision)


def _draw_regions(rng: Random, model: Model) -> tuple[Region, ...]:
    regions = [draw(rng, model.regions)]
    for share in (model.letter.second_region_share, model.letter.third_region_share):
        if rng.random() >= share:
            break
        another = draw(rng, model.regions)
        if another not in regions:
            regions.append(another)
    return tuple(regions)


def _draw_habit(rng: Random, format_: Format, rates: CitingRates) -> str:
    """Draw how the administrator cites in this letter; a professional review never states it."""
    if format_ is Format.PROFESSIONAL_REVIEW:
        return "nothing"
    place = rng.random()
    if place < rates.ur_nothing:
        return "nothing"
    return "outside" if place < rates.ur_nothing + rates.ur_outside else "mtus"


def _draw_services(rng: Random, count: int, case: Case, model: Model) -> list[tuple[Treatment, Region]]:
    """Draw treatments with their regions; perioperative items share the region of the operation."""
    group = draw(rng, model.first_groups[count > 2])
    treatments = [draw(rng, model.treatments[group])]
    while len(treatments) < count:
        if rng.random() < model.letter.same_treatment_share:
            treatments.append(treatments[-1])
        else:
            treatments.append(draw(rng, model.treatments[draw(rng, model.next_groups[group])]))
    regions = [_draw_region(rng, treatment, case.regions, model) for treatment in treatments]
    return [
        (treatment, regions[0] if treatment.group == "perioperative" else region)
        for treatment, region in zip(treatments, regions, strict=True)
    ]


def _draw_region(rng: Random, treatment: Treatment, regions: tuple[Region, ...], model: Model) -> Region:
    region = regions[0] if rng.random() < model.letter.same_region_share else pick(rng, regions)
    if not treatment.regions or region.name in treatment.regions:
        return region
    fitting = [other for other in regions if other.name in treatment.regions]
    if fitting:
        return fitting[0]
    return draw(rng, table((other, other.weight) for other in model.region if other.name in treatment.regions))


def _draw_item(rng: Random, treatment: Treatment, region: Region, case: Case, model: Model) -> ItemFacts:
    per_week, weeks = draw_between(rng, 1, 3), pick(rng, _WEEKS)
    amount = pick(rng, treatment.quantities) if treatment.quantities else per_week * weeks
    authorized = _draw_authorized(rng, treatment, amount, model) if case.format.headed else None
    retrospective = rng.random() < model.letter.retrospective_share
    partial_shift = model.outcome.partial_shift if authorized is not None else 0.0
    shift = case.shift + partial_shift + (model.outcome.retrospective_shift if retrospective else 0.0)
    p = probability(model.kinds[treatment.kind], case.signals, shift, model)
    overturned = (case.outcome_draw if rng.random() < model.outcome.shared_draw else rng.random()) < p
    ur_cites = draw_administrator_topics(rng, treatment, case.ur_habit, model.citing)
    item = ItemFacts(
        treatment=treatment,
        region=region,
        side=case.side if region.sided else "",
        amount=amount,
        per_week=per_week,
        weeks=weeks,
        authorized=authorized,
        retrospective=retrospective,
        ur_cites=ur_cites,
        cites=frozenset(),
        ur_families=families_on(ur_cites, case.dates.decision),
        families=frozenset(),
        p_overturned=p,
        overturned=overturned,
    )
    cites = draw_reviewer_topics(rng, item, case, model.citing)
    return replace(item, cites=cites, families=families_on(cites, case.dates.decision))


def _draw_authorized(rng: Random, treatment: Treatment, amount: int, model: Model) -> int | None:
    if treatment.partial is None or amount < 3 or rng.random() >= model.letter.partial_share:
        return None
    return max(1, min(amount - 1, round(amount * pick(rng, _AUTHORIZED_SHARES))))


def _copy_decision(first: ItemFacts, item: ItemFacts) -> ItemFacts:
    """Copy the decision on the first item, as a professional review decides all items at once."""
    decision = {name: getattr(first, name) for name in ("p_overturned", "overturned", "cites", "families")}
    return replace(item, **decision)
