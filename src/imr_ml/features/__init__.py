"""Features: the requests table -> section tokens and facts -> one matrix with named columns.

Knows which facts matter and how they are weighed. Knows nothing of files, models or MLflow.
"""

from imr_ml.features.columns import (
    ABSENT,
    CASE_COLUMNS,
    FACT_COLUMNS,
    GUIDELINE_COLUMNS,
    NUMBER_COLUMNS,
    PAIRED_COLUMNS,
    TOKEN_COLUMNS,
)
from imr_ml.features.frame import CODE_COLUMNS, feature_frame
from imr_ml.features.matrix import (
    BlockWeights,
    FactPairs,
    FactVectorizer,
    TermSettings,
    TermVectorizer,
    column_weights,
    feature_matrix,
    matrix_of,
    tells_codes,
)

__all__ = [
    "ABSENT",
    "CASE_COLUMNS",
    "CODE_COLUMNS",
    "FACT_COLUMNS",
    "GUIDELINE_COLUMNS",
    "NUMBER_COLUMNS",
    "PAIRED_COLUMNS",
    "TOKEN_COLUMNS",
    "BlockWeights",
    "FactPairs",
    "FactVectorizer",
    "TermSettings",
    "TermVectorizer",
    "column_weights",
    "feature_frame",
    "feature_matrix",
    "matrix_of",
    "tells_codes",
]
