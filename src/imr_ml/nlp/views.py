"""Turn texts into section views and classify a request into its DWC category."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

from imr_ml.nlp.types import NlpSettings, SectionView

DEFAULT_SETTINGS = NlpSettings()
# Negation changes no category, and leaving it on shares the pipeline that reads the sections.
_CATEGORY_SETTINGS = NlpSettings(mask_determination=False, canonical_tokens=False, offsets=False)
_BATCH, _REMEMBERED = 128, 256


def view_section(text: str, settings: NlpSettings = DEFAULT_SETTINGS) -> SectionView:
    """Read one section.

    >>> view = view_section("MRI of the left knee; no spasm.")
    >>> view.tokens
    ('mri', 'of', 'the', 'left', 'knee', 'no', 'no_spasm', 'treatment=mri', 'body=knee', 'no_finding=spasm')
    """
    return next(view_sections([text], settings))


def view_sections(texts: Iterable[str], settings: NlpSettings = DEFAULT_SETTINGS) -> Iterator[SectionView]:
    """Read sections, one view a text in the order given; empty text gives an empty view.

    A text met again among the last few hundred is not read again; memory does not grow with their number.
    """
    remembered: OrderedDict[str, SectionView] = OrderedDict()
    stream = iter(texts)
    while batch := list(islice(stream, _BATCH)):
        views = {text: remembered[text] for text in batch if text in remembered}
        new = [text for text in dict.fromkeys(batch) if text not in views]
        views.update(zip(new, _read(new, settings), strict=True))
        yield from (views[text] for text in batch)
        remembered.update(views)
        while len(remembered) > _REMEMBERED:
            remembered.popitem(last=False)


def category_of(request: str) -> str:
    """Classify a request's text into its DWC category; ``"Other"`` where no treatment or drug is named.

    The first specific treatment or drug decides, then a general word ("surgery", "brace", "evaluation"), then
    a drug class.

    >>> requests = "Flexeril 10mg #60", "Physical therapy 2x6", "Toradol injection"
    >>> [category_of(request) for request in requests]
    ['Pharmaceuticals', 'Therapies', 'Injection']
    """
    return category_of_view(view_section(request, _CATEGORY_SETTINGS))


def category_of_view(view: SectionView) -> str:
    """Classify a request's view into its DWC category."""
    from imr_ml.nlp.rules import rule_book

    treatments = rule_book().treatments
    ranked: list[tuple[int, int, str]] = []
    for fact in view.facts:
        if fact.kind == "treatment":
            entry = treatments[fact.value]
            ranked.append((1 if entry.generic else 0, fact.start, entry.category))
        elif fact.kind in ("drug", "class"):
            ranked.append((0 if fact.kind == "drug" else 2, fact.start, "Pharmaceuticals"))
    if not ranked:
        # What no rule names but is dosed in milligrams is a drug.
        return "Pharmaceuticals" if any(quantity.unit == "dose_mg" for quantity in view.quantities) else "Other"
    category = min(ranked)[2]
    # A drug that is given by injection is an injection request.
    injected = category == "Pharmaceuticals" and any(other == "Injection" for _, _, other in ranked)
    return "Injection" if injected else category


def _read(texts: list[str], settings: NlpSettings) -> list[SectionView]:
    from imr_ml.nlp.pipeline import reading
    from imr_ml.nlp.reading import read_doc

    with reading(settings.negation) as built:
        docs = zip(texts, built.nlp.pipe(texts), strict=True)
        return [read_doc(text, doc, built, settings) if len(doc) else SectionView() for text, doc in docs]
