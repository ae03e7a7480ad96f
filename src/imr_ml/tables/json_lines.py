"""JSON lines, or one JSON array of objects -> rows.

A blank line is no row.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import orjson

from imr_ml.errors import SchemaError
from imr_ml.tables.encodings import Encoding, encoding_of, utf8_blocks
from imr_ml.tables.types import BLOCK_BYTES, CHUNK_BYTES, MOST_COLUMNS, NUL, ROW_BYTES, TOO_LONG

if TYPE_CHECKING:
    import pandas as pd

Row: TypeAlias = dict[str, object] | str
"""An object, or why there is none."""

# Above this, orjson gives a float for an integer.
_LARGEST_INTEGER = 2.0**63
_BLANKS = " \t\r\n"
_ARRAY = re.compile(rb"\s*\[\s*[{\]]")
_TOO_DEEP = "is nested too deeply"


def encoding(path: Path) -> Encoding:
    """The file's encoding, found once as long as it does not change."""
    state = path.stat()
    return _encoding(path, state.st_size, state.st_mtime_ns)


def keys(path: Path) -> tuple[str, ...]:
    """All keys of a file's objects in the order of their first appearance.

    Raises
    ------
    SchemaError
        Where no line is an object, or there are more keys than a table may have columns.
    """
    state = path.stat()
    return _keys(path, state.st_size, state.st_mtime_ns)


def row_chunks(path: Path, rows: int) -> Iterator[list[Row]]:
    """The rows of a file, at most so many at once, and fewer where they are very long."""
    held: list[Row] = []
    size = 0
    for row, length in _rows(path):
        held.append(row)
        size += length
        if len(held) >= rows or size > CHUNK_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def frame_of(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """Rows as columns of Python values, None where a row has no such key; lists and objects as JSON text."""
    import pandas as pd

    objects = [row if isinstance(row, dict) else {} for row in rows]
    columns = {}
    for name in names:
        values = [row.get(name) for row in objects]
        if not {dict, list}.isdisjoint(map(type, values)):
            values = [_as_text(value) for value in values]
        columns[name] = pd.Series(values, dtype="object")
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows)))


def _as_text(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


@lru_cache(maxsize=8)
def _encoding(path: Path, _size: int, _changed: int) -> Encoding:
    return encoding_of(path)


@lru_cache(maxsize=8)
def _keys(path: Path, _size: int, _changed: int) -> tuple[str, ...]:
    found: dict[str, None] = {}
    last: tuple[str, ...] = ()
    rows = 0
    for row, _ in _rows(path):
        rows += 1
        if isinstance(row, dict) and tuple(row) != last:
            last = tuple(row)
            found.update(dict.fromkeys(last))
            if len(found) > MOST_COLUMNS:
                raise SchemaError(f"{path}: its objects have more than {MOST_COLUMNS} different keys")
    if rows and not found:
        raise SchemaError(f"{path}: can't be read as JSONL: no line of it is an object; write one object a line")
    return tuple(found)


def _rows(path: Path) -> Iterator[tuple[Row, int]]:
    """Each row and about how many bytes it takes."""
    taken = encoding(path)
    blocks = utf8_blocks(path, taken)
    head = next(blocks, b"")
    blocks = chain([head], blocks)
    if _ARRAY.match(head):
        yield from _elements(blocks)
        return
    codec = taken.codec if taken.errors == "replace" else ""
    for number, line in _lines(blocks):
        if line is None:
            yield f"line {number} {TOO_LONG}", 0
        elif not line.isspace():
            row = _row(line, codec)
            yield f"line {number} {row}" if isinstance(row, str) else row, len(line)


def _lines(blocks: Iterator[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers, None for one that is too long, of which no more than a row's bytes are held."""
    rest: bytes | None = b""
    number = 0
    for block in blocks:
        first, *lines = block.split(b"\n")
        rest = None if rest is None or len(rest) + len(first) > ROW_BYTES else rest + first
        for line in lines:
            number += 1
            yield number, rest if rest is None or rest else b" "
            rest = line
    if rest is None or rest:
        yield number + 1, rest


def _row(line: bytes, codec: str) -> Row:
    if b"\0" in line or b"\\u0000" in line:
        return NUL
    if codec and "\ufffd".encode() in line:
        return f"holds bytes that are not {codec}"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _second_opinion(line)
    if not isinstance(value, dict):
        return "is not an object"
    return value if not _is_altered(value) else _second_opinion(line)


def _is_altered(row: dict[str, object]) -> bool:
    """Whether the fast reader may have changed a number: an integer of more than 64 bits, or one within a list."""
    return any(
        (type(value) is float and abs(value) >= _LARGEST_INTEGER) or type(value) in (dict, list)
        for value in row.values()
    )


def _second_opinion(line: bytes) -> Row:
    """What Python's own reader says, which takes NaN, Infinity and integers of any size."""
    text = line.decode("utf-8", "replace")
    try:
        return _checked(json.loads(text), text)
    except RecursionError:
        return _TOO_DEEP
    except json.JSONDecodeError as error:
        return f"is not JSON (column {error.colno})"
    except ValueError:
        return "holds a number of too many digits"


def _checked(value: object, written: str) -> Row:
    if not isinstance(value, dict):
        return "is not an object"
    if "\0" in written or "\\u0000" in written:
        return NUL
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        return "holds half a surrogate pair"
    return value


def _elements(blocks: Iterator[bytes]) -> Iterator[tuple[Row, int]]:
    """The elements of one array, up to a broken one: after that, nobody can tell where the next begins."""
    text = _Text(blocks)
    text.next_sign("[")
    number = 0
    while True:
        number += 1
        sign = text.next_sign(",")
        if sign == "]" and not text.next_sign("]"):
            return
        if sign in ("]", ""):
            yield f"element {number} {'is missing: the array has no end' if not sign else 'follows the end'}", 0
            return
        try:
            value, written = text.element()
        except RecursionError:
            yield f"element {number} {_TOO_DEEP}; what follows it can't be read", 0
            return
        except ValueError:
            yield f"element {number} is not JSON, or {TOO_LONG}; what follows it can't be read", 0
            return
        row = _checked(value, written)
        yield f"element {number} {row}" if isinstance(row, str) else row, len(written)


class _Text:
    """Text of which a part is in memory, read on from a place."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._json = json.JSONDecoder()
        self._text = ""
        self._at = 0

    def next_sign(self, passed_over: str) -> str:
        """The next character but blanks and, at most once, `passed_over`; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANKS + passed_over:
                passed_over = "" if self._text[self._at] == passed_over else passed_over
                self._at += 1
            if self._at < len(self._text) or not self._grown():
                return self._text[self._at : self._at + 1]

    def element(self) -> tuple[object, str]:
        """The value that begins here, and as it is written."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if len(self._text) - self._at > ROW_BYTES or not self._grown():
                    raise
                continue
            # A number may go on in the next block.
            if end == len(self._text) and self._grown():
                continue
            written, self._at = self._text[self._at : end], end
            return value, written

    def _grown(self) -> bool:
        """Read as much again as is unread; False at the end."""
        parts = [self._text[self._at :]]
        wanted = max(BLOCK_BYTES, len(parts[0]))
        while wanted > 0 and (block := next(self._blocks, None)) is not None:
            parts.append(self._decode(block))
            wanted -= len(block)
        self._text, self._at = "".join(parts), 0
        return len(parts) > 1
