"""A CSV file: its layout, and its rows in pieces, whatever is broken in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from imr_ml.errors import SchemaError
from imr_ml.tables.dialects import Dialect, sniffed
from imr_ml.tables.encodings import encoding_of, utf8_blocks
from imr_ml.tables.headers import named
from imr_ml.tables.records import Layout, Lines, Piece, bad_line, records_of
from imr_ml.tables.types import BLOCK_BYTES, ROW_BYTES, TOO_LONG, UNCLOSED

# After quotation marks that nothing closed, the next may take up less text before it is given up.
_LEAST_PATIENCE = 1 << 14


def layout(path: Path) -> Layout:
    """How a file is written, found once as long as it does not change.

    Raises
    ------
    SchemaError
        For a file without a header.
    """
    state = path.stat()
    return _layout(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _layout(path: Path, _size: int, _changed: int) -> Layout:
    encoding = encoding_of(path)
    head = b""
    for block in utf8_blocks(path, encoding):
        head += block
        if len(head) >= BLOCK_BYTES:
            break
    whole = len(head) < BLOCK_BYTES
    text = head.decode("utf-8", "ignore")
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    dialect, skipped = sniffed(text[:BLOCK_BYTES])
    lines = Lines(io.StringIO(text[skipped:], newline="").readlines())
    names = _header(lines, dialect, path)
    before = text[:skipped] + "".join(lines.lines[: lines.place])
    return Layout(encoding, dialect, names, len(before.encode()), lines.place + 1 + (skipped > 0))


def _header(lines: Lines, dialect: Dialect, path: Path) -> tuple[str, ...]:
    try:
        cells = next((row for row in csv.reader(lines, strict=True, **dialect.options()) if any(row)), [])  # type: ignore[arg-type]
    except csv.Error as error:
        raise SchemaError(f"{path}: can't be read as CSV: its header {UNCLOSED}; check the file") from error
    return named(cells, path)


def pieces(path: Path, wanted: tuple[int, ...]) -> Iterator[Piece]:
    """The rows of a file, some at a time, with the cells of the wanted columns."""
    from imr_ml.tables.orderly import parse_fast

    found = layout(path)
    buffer = _Buffer(utf8_blocks(path, found.encoding), found.start)
    line, patience = found.line, ROW_BYTES
    while buffer.grow(0) or not buffer.ended:
        window = buffer.window(patience)
        piece = parse_fast(window, found, wanted) or records_of(window, found, wanted, line)
        if piece.used:
            patience = min(ROW_BYTES, patience * 2)
            buffer.skip(piece.used)
        elif not piece.broken and not buffer.ended and buffer.may_grow(patience):
            buffer.grow(max(BLOCK_BYTES, len(window)))
            continue
        else:
            patience = max(_LEAST_PATIENCE, patience // 2)
            head, is_whole = buffer.take_line()
            piece = bad_line(head, found, wanted, line, UNCLOSED if is_whole else TOO_LONG)
        line += piece.lines
        yield piece


class _Buffer:
    """Text of a file from the first unread row on, as UTF-8; its last line gets an end."""

    def __init__(self, blocks: Iterator[bytes], start: int) -> None:
        self._blocks = blocks
        self._text = b""
        self._at = 0
        self.ended = False
        self.grow(start + 1)
        self._at = start

    def grow(self, size: int) -> int:
        """Read `size` more bytes, about; how many are unread now."""
        fresh = [self._text[self._at :]] if size else []
        read = 0
        while read < size and not self.ended:
            block = next(self._blocks, None)
            if block is None:
                self.ended = True
                last = next((part for part in reversed(fresh) if part), b"\n")
                fresh.append(b"" if last.endswith(b"\n") else b"\n")
            else:
                fresh.append(block)
                read += len(block)
        if size:
            self._text, self._at = b"".join(fresh), 0
        return len(self._text) - self._at

    def window(self, size: int) -> bytes:
        """The next bytes, so many or up to the end of the first line."""
        return self._text[self._at : max(self._at + size, self._line_end())]

    def may_grow(self, patience: int) -> bool:
        unread = len(self._text) - self._at
        return unread < patience or (unread < ROW_BYTES and not self._line_end())

    def skip(self, size: int) -> None:
        self._at += size

    def take_line(self) -> tuple[bytes, bool]:
        """The first line, or the beginning of one that is too long, and whether it is all of it."""
        end = self._line_end()
        if 0 < end - self._at <= ROW_BYTES:
            line, self._at = self._text[self._at : end], end
            return line, True
        head = self._text[self._at : self._at + BLOCK_BYTES]
        while not end:
            self._at = len(self._text)
            if not self.grow(BLOCK_BYTES):
                return head, False
            end = self._line_end()
        self._at = end
        return head, False

    def _line_end(self) -> int:
        """Place after the first line's end; 0 where the end is not read yet."""
        end = self._text.find(b"\n", self._at) + 1
        last = end - 1 if end else len(self._text)
        carriage_return = self._text.find(b"\r", self._at, last) + 1
        return carriage_return if 0 < carriage_return < last else end
