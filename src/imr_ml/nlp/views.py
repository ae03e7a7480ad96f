"""Convert texts to section views, and classify requests by DWC category."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice

from imr_ml.nlp.types import NlpSettings, SectionView

DEFAULT_SETTINGS = NlpSettings()
# Negation does not change the category; enabled, it uses the same pipeline as the sections.
_CATEGORY_SETTINGS = NlpSettings(mask_determination=False, canonical_tokens=False, offsets=False)
_BATCH_SIZE, _CACHE_SIZE = 128, 256


def view_section(text: str, settings: NlpSettings = DEFAULT_SETTINGS) -> SectionView:
    """Convert a text to its section view.

    >>> view = view_section("MRI of the left knee; no spasm.")
    >>> view.tokens
    ('mri', 'of', 'the', 'left', 'knee', 'no', 'no_spasm', 'treatment=mri', 'body=knee', 'no_finding=spasm')
    """
    return next(view_sections([text], settings))


def view_sections(texts: Iterable[str], settings: NlpSettings = DEFAULT_SETTINGS) -> Iterator[SectionView]:
    """Convert texts to section views, in order; an empty text has an empty view.

    Views of the last few hundred texts are cached, so memory does not grow with the number of texts.
    """
    cached: OrderedDict[str, SectionView] = OrderedDict()
    stream = iter(texts)
    while batch := list(islice(stream, _BATCH_SIZE)):
        views = {text: cached[text] for text in batch if text in cached}
        new = [text for text in dict.fromkeys(batch) if text not in views]
        views.update(zip(new, _read(new, settings), strict=True))
        yield from (views[text] for text in batch)
        cached.update(views)
        while len(cached) > _CACHE_SIZE:
            cached.popitem(last=False)


def category_of(request: str) -> str:
    """Classify a request by DWC category; ``"Other"`` if it names no treatment or drug.

    The first specific treatment or drug determines the category, else a generic word ("surgery", "brace",
    "evaluation"), else a drug class.

    >>> requests = "Flexeril 10mg #60", "Physical therapy 2x6", "Toradol injection"
    >>> [category_of(request) for request in requests]
    ['Pharmaceuticals', 'Therapies', 'Injection']
    """
    return category_of_view(view_section(request, _CATEGORY_SETTINGS))


def category_of_view(view: SectionView) -> str:
    """Classify the view of a request by DWC category."""
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
        # A dose in milligrams indicates a drug that the rules do not contain.
        return "Pharmaceuticals" if any(quantity.unit == "dose_mg" for quantity in view.quantities) else "Other"
    category = min(ranked)[2]
    # A request to inject a drug is an injection.
    is_injected = category == "Pharmaceuticals" and any(name == "Injection" for _, _, name in ranked)
    return "Injection" if is_injected else category


def _read(texts: list[str], settings: NlpSettings) -> list[SectionView]:
    from imr_ml.nlp.pipeline import open_pipeline
    from imr_ml.nlp.reading import read_doc

    with open_pipeline(settings.negation) as pipeline:
        docs = zip(texts, pipeline.nlp.pipe(texts), strict=True)
        return [read_doc(text, doc, pipeline, settings) if len(doc) else SectionView() for text, doc in docs]
