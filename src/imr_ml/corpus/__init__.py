"""Corpus: many letters -> the requests table, its schema and its rejects; the sample corpus.

Knows letters and tables. Knows nothing of models. Names are loaded when first used.
"""

from typing import TYPE_CHECKING

from imr_ml.lazily import names_of

if TYPE_CHECKING:
    from imr_ml.corpus.ingesting.ingestion import Ingested, Reject, ingest, letter_files, write_rejects
    from imr_ml.corpus.rates import overturn_rates, rates_figure
    from imr_ml.corpus.schema import SchemaError, require_columns, validate_requests
    from imr_ml.corpus.store import read_requests, write_requests
    from imr_ml.corpus.table import (
        build_requests,
        case_keys,
        complete_cases,
        complete_requests,
        decided_years,
    )

_HOMES = {
    "Ingested": "ingesting.ingestion",
    "Reject": "ingesting.ingestion",
    "ingest": "ingesting.ingestion",
    "letter_files": "ingesting.ingestion",
    "write_rejects": "ingesting.ingestion",
    "SchemaError": "schema",
    "require_columns": "schema",
    "validate_requests": "schema",
    "overturn_rates": "rates",
    "rates_figure": "rates",
    "read_requests": "store",
    "write_requests": "store",
    "build_requests": "table",
    "case_keys": "table",
    "complete_cases": "table",
    "complete_requests": "table",
    "decided_years": "table",
}

__all__ = [
    "Ingested",
    "Reject",
    "SchemaError",
    "build_requests",
    "case_keys",
    "complete_cases",
    "complete_requests",
    "decided_years",
    "ingest",
    "letter_files",
    "overturn_rates",
    "rates_figure",
    "read_requests",
    "require_columns",
    "validate_requests",
    "write_rejects",
    "write_requests",
]

__getattr__ = names_of(__name__, _HOMES)
