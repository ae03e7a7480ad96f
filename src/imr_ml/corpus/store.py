"""The requests table on disk: a table of any format in, whole and without a bad row; Parquet out.

Knows what is to be trained on as a file. How formats are read, `tables` knows; what a table must hold, `schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Role, SchemaError
from imr_ml.files import written_whole
from imr_ml.tables import read_chunks

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 50_000
_REASONS_TOLD = 5


def read_requests(path: Path) -> pd.DataFrame:
    """A whole table as it stands in the file; see `read_chunks`, and `validate_requests` for its types.

    Raises
    ------
    SchemaError
        For what is not a table, and for one with rows that can't be read; the message names the first of them.
    FileNotFoundError
        Where there is nothing.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    reasons: dict[int, str] = {}
    for chunk in read_chunks(path, _ROWS_AT_ONCE):
        frames.append(chunk.frame)
        reasons |= chunk.reasons
    if reasons:
        told = "; ".join(f"row {row + 1}: {reason}" for row, reason in list(reasons.items())[:_REASONS_TOLD])
        more = "; ..." if len(reasons) > _REASONS_TOLD else ""
        raise SchemaError(f"{path}: {len(reasons)} row(s) can't be read: {told}{more}; mend or remove them")
    return pd.concat(frames, ignore_index=True)


def write_requests(requests: pd.DataFrame, path: Path) -> None:
    """Write the requests table as Parquet, each known column marked with its role in the field's metadata."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    roles = {column.name: column.role for column in COLUMNS}
    table = pa.Table.from_pandas(requests, preserve_index=False)
    fields = [field.with_metadata({"role": roles.get(field.name, Role.REST).value}) for field in table.schema]
    marked = table.cast(pa.schema(fields, metadata=table.schema.metadata))
    with written_whole(path) as temporary:
        pq.write_table(marked, temporary, compression="zstd")
