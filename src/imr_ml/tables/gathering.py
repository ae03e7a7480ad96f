"""Pieces of a table -> pieces of as many rows as are requested."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imr_ml.tables.types import CHUNK_BYTES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Told = tuple[pa.Table, Mapping[int, str]]


def gathered(pieces: Iterable[Told], rows: int) -> Iterator[Told]:
    """The same rows and reasons in pieces of `rows` rows, and fewer where they are very long."""
    import pyarrow as pa

    held: list[pa.Table] = []
    reasons: dict[int, str] = {}
    count = size = 0
    for table, told in pieces:
        reasons |= {count + place: reason for place, reason in told.items()}
        held.append(table)
        count += len(table)
        size += table.nbytes
        while count >= rows or size > CHUNK_BYTES:
            whole = pa.concat_tables(held)
            taken = _fitting(whole, rows)
            yield whole.slice(0, taken), {place: why for place, why in reasons.items() if place < taken}
            reasons = {place - taken: why for place, why in reasons.items() if place >= taken}
            held = [whole.slice(taken)]
            count, size = len(held[0]), held[0].nbytes
    if count:
        yield pa.concat_tables(held), reasons


def text_frame(table: pa.Table, names: Sequence[str], wanted: Sequence[int]) -> pd.DataFrame:
    """The wanted columns, named for their places until now, as text."""
    import pandas as pd
    import pyarrow as pa

    frame: pd.DataFrame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype()}.get)
    return frame[list(map(str, wanted))].set_axis([names[place] for place in wanted], axis="columns")


def _fitting(table: pa.Table, rows: int) -> int:
    """How many rows make a chunk: at most `rows`, halved until they fit in memory."""
    taken = min(rows, len(table))
    while taken > 1 and table.slice(0, taken).nbytes > CHUNK_BYTES:
        taken = (taken + 1) // 2
    return taken
