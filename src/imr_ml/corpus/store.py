"""Tables on disk: CSV, JSON lines and Parquet in, Parquet out.

Knows file formats. What a table must hold, `schema` knows.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from imr_ml.corpus.schema import COLUMNS, Role, SchemaError
from imr_ml.files import written_whole

if TYPE_CHECKING:
    import pandas as pd

TABLE_SUFFIXES = (".csv", ".jsonl", ".parquet")


def read_requests(path: Path) -> pd.DataFrame:
    """A table as it stands in the file, every CSV cell as text; see `validate_requests` for its types.

    Raises
    ------
    SchemaError
        For a file that is not a table of a known format, or an empty one.
    FileNotFoundError
        Where there is no such file.
    """
    import pandas as pd

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl, ".parquet": pd.read_parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SchemaError(f"{path}: is not a table; give one that ends in {', '.join(TABLE_SUFFIXES)}")
    try:
        frame = reader(path)
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8 text; save it anew with that encoding") from error
    except (ValueError, OSError, pd.errors.ParserWarning) as error:
        kind = path.suffix.lstrip(".").upper()
        raise SchemaError(f"{path}: can't be read as {kind} ({type(error).__name__}); check the file") from error
    if frame.empty:
        raise SchemaError(f"{path}: holds no row")
    return frame.reset_index(drop=True)


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


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    with warnings.catch_warnings():
        # pandas only warns of a row with more cells than the header, and drops what is too much.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            path, dtype="string", keep_default_na=False, na_values=[""], encoding="utf-8-sig", index_col=False
        )


def _read_jsonl(path: Path) -> pd.DataFrame:
    import pandas as pd

    with path.open(encoding="utf-8-sig") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line that is not an object")
    return pd.DataFrame(rows)
