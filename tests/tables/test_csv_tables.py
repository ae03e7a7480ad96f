"""CSV files of any dialect and encoding, and rejects of broken rows."""

import csv
import gzip
import io
import re

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imr_ml.errors import SchemaError
from imr_ml.tables.csv_files import MAX_LINES, UNCLOSED, UNDOUBLED
from imr_ml.tables.table import Table


def read(path, rows=1000, columns=None):
    """Return all rows as lists with None for missing cells, and the line and reason of each rejected line."""
    chunks = list(Table.open(path).chunks(rows, columns))
    frame = pd.concat([chunk.frame for chunk in chunks])
    assert frame.index.tolist() == list(range(len(frame)))
    rejects = {reject.line: reject.reason for chunk in chunks for reject in chunk.rejects}
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.to_numpy().tolist()], rejects


def written(folder, content, name="a.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "delimiter", "rows"),
    [
        ("a,b\n1,2\n", ",", [["1", "2"]]),
        ("a;b\n1,5;2\n", ";", [["1,5", "2"]]),
        ("a\tb\nx, y; z\t2\n", "\t", [["x, y; z", "2"]]),
        ("a|b\n1,2|3\n", "|", [["1,2", "3"]]),
        ("sep=;\na;b\n1;2\n", ";", [["1", "2"]]),
        ('"a","b"\r\n"x ""y"" z","two\r\nlines"\r\n', ",", [['x "y" z', "two\r\nlines"]]),
        ("'a','b'\n'x, y','2'\n", ",", [["x, y", "2"]]),
        ('a,b\n"he said \\"no, never\\"",2\n', ",", [['he said "no, never"', "2"]]),
        ('a, b\n1, "x, y"\n', ",", [["1", "x, y"]]),
        ("a,b\r1,2\r3,4\r", ",", [["1", "2"], ["3", "4"]]),
        ("a,b\n1,2", ",", [["1", "2"]]),
        ("a,b\n1,\n,2\n", ",", [["1", None], [None, "2"]]),
        ("a,b\nNA,007\n", ",", [["NA", "007"]]),
        ("request\nMRI\n", ",", [["MRI"]]),
        ('a,b\n5" needle,6"\n', ",", [['5" needle', '6"']]),
    ],
)
def test_dialects_are_detected(tmp_path, content, delimiter, rows):
    path = written(tmp_path, content)

    assert read(path) == (rows, {})
    assert Table.open(path).description.endswith(repr(delimiter))


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "mac_roman", "cp850"],
)
def test_encodings_are_detected(tmp_path, encoding):
    text = "Mr. Pe\u00f1a\u2019s \u201cgood\u201d knee" if encoding != "cp850" else "Jos\u00e9 Pe\u00f1a"
    path = written(tmp_path, f"patient,seen\n{text},yes\n".encode(encoding))

    assert read(path) == ([[text, "yes"]], {})
    assert Table.open(path).description == f"CSV, {encoding}, ','"


def test_a_special_byte_late_in_a_large_file_is_decoded(tmp_path):
    rows = [f"{number},knee" for number in range(150_000)]
    path = written(tmp_path, ("id,note\n" + "\n".join(rows) + "\n150000,Pe\u00f1a\n").encode("cp1252"))

    chunks = list(Table.open(path).chunks(50_000))

    assert chunks[-1].frame["note"].iloc[-1] == "Pe\u00f1a"
    assert not any(chunk.rejects for chunk in chunks)


@given(st.lists(st.booleans(), min_size=2, max_size=9).filter(any))
def test_mixed_encodings_are_decoded_line_by_line(tmp_path_factory, is_utf8):
    name = "Jos\u00e9 Mu\u00f1oz\u2019s"
    lines = [f"{name},x\n".encode("utf-8" if one else "cp1252") for one in is_utf8]
    path = written(tmp_path_factory.mktemp("csv"), b"patient,note\n" + b"".join(lines))

    assert read(path) == ([[name, "x"]] * len(is_utf8), {})


@pytest.mark.parametrize(
    ("content", "rows", "rejects"),
    [
        ("1,2,3\n4,5\n", [["4", "5"]], {2: "has 3 cells, the header has 2"}),
        ("1\n4,5\n", [["4", "5"]], {2: "has 1 cell, the header has 2"}),
        ("1,2,\n4,5,,\n", [["1", "2"], ["4", "5"]], {}),
        ('"MRI,x\nCT,y\n', [["CT", "y"]], {2: UNCLOSED}),
        ('"MRI,x\nCT,y\n"Foo",bar\n', [["CT", "y"], ["Foo", "bar"]], {2: UNCLOSED}),
        ('"a 5" needle",x\n4,5\n', [["4", "5"]], {2: UNDOUBLED}),
        ("a\0b,x\n4,5\n", [["4", "5"]], {2: "contains a NUL character, as broken files do"}),
        ('"two\nlines",x,y\n4,5\n', [["4", "5"]], {2: "has 3 cells, the header has 2"}),
    ],
)
def test_a_broken_line_is_rejected_and_the_next_row_is_read(tmp_path, content, rows, rejects):
    good = "".join(f"r{number},s\n" for number in range(20))

    read_rows, read_rejects = read(written(tmp_path, "a,b\n" + content + good))

    assert read_rows[:-20] == rows
    assert read_rows[-20:] == [[f"r{number}", "s"] for number in range(20)]
    assert read_rejects == rejects


def test_a_rejected_line_has_its_text(tmp_path):
    path = written(tmp_path, 'a,b\n1,2\n3,"two\nlines",x\n4,5\n')

    (reject,) = (reject for chunk in Table.open(path).chunks(10) for reject in chunk.rejects)

    assert reject.text == '3,"two\nlines",x'


def test_unclosed_marks_in_two_rows_do_not_swallow_a_row(tmp_path):
    path = written(tmp_path, 'case,text,age\nCM-1,"MRI,40\nCM-2,CT",50\nCM-3,PT,60\n')

    rows, rejects = read(path)

    assert [row[0] for row in rows] == ["CM-2", "CM-3"]
    assert rejects == {2: UNCLOSED}


def test_a_file_of_unclosed_marks_is_read_in_linear_time(tmp_path):
    path = written(tmp_path, "a,b\n" + "x,y\n" * 50 + '"open,\n' * (3 * MAX_LINES))

    rows, rejects = read(path)

    assert len(rows) + len(rejects) >= 50
    assert len(rows) >= 50


def test_rejects_have_line_numbers_of_the_file_across_chunks(tmp_path):
    path = written(tmp_path, 'a,b\n1,"two\nlines"\n\n2,x\n3\n4,x\n5\n')

    rows, rejects = read(path, rows=2)

    assert [row[0] for row in rows] == ["1", "2", "4"]
    assert set(rejects) == {6, 8}


def test_blank_lines_are_skipped(tmp_path):
    assert read(written(tmp_path, "\n\na,b\n\n1,2\n   \n\r\n3,4\n\n"))[0] == [["1", "2"], ["3", "4"]]


def test_only_the_wanted_columns_are_read(tmp_path):
    path = written(tmp_path, "a,b,c\n1,2,3\n4,5,\n")

    assert read(path, columns=["c", "a", "none"]) == (
        [["1", "3"], ["4", None]],
        {},
    )
    (chunk,) = Table.open(path).chunks(10, columns=["none"])
    assert chunk.frame.shape == (2, 0)


def test_a_gzip_file_is_unpacked(tmp_path):
    assert read(written(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.csv.gz"))[0] == [["1", "2"]]


def test_column_names_are_cleaned_and_gaps_named(tmp_path):
    path = written(tmp_path, ' a , "Clinical\nSummary",\n1,2,3\n')

    assert Table.open(path).columns == ("a", "Clinical Summary", "Unnamed: 2")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "has no row and no header"),
        ("a,b\n", "has no row"),
        ("a,b,a\n1,2,3\n", r"duplicate column\(s\): a"),
        ("x" * 300 + ",b\n1,2\n", "has no column names"),
        ('"a,b\n1,2\n', "its header has an unclosed quotation mark"),
        (",".join(map(str, range(10_001))) + "\n", "has 10001 columns"),
    ],
)
def test_a_file_without_a_table_is_refused(tmp_path, content, complaint):
    with pytest.raises(SchemaError, match=complaint):
        list(Table.open(written(tmp_path, content)).chunks(10))


def test_a_broken_gzip_file_is_reported(tmp_path):
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    path = written(tmp_path, content[:-200], "a.csv.gz")

    with pytest.raises(SchemaError, match=r"can't be read.* \(EOFError\); check the file"):
        list(Table.open(path).chunks(10))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=12)


@st.composite
def tables(draw, cells=CELLS):
    width = draw(st.integers(2, 4))
    row = st.lists(cells, min_size=width, max_size=width)
    return [f"column {place}" for place in range(width)], draw(st.lists(row, min_size=1, max_size=8))


@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8-sig", "utf-8", "utf-16"]),
    rows=st.integers(1, 9),
)
def test_any_quoted_table_in_any_dialect_round_trips(tmp_path_factory, table, delimiter, quoting, end, encoding, rows):
    header, body = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([header, *body])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))

    assert read(path, rows) == ([[cell or None for cell in row] for row in body], {})
    assert Table.open(path).columns == tuple(header)


WORDS = st.text("ab 0.\u00e9\u00f1\u2019\u201c\n\"'", max_size=10)


@given(
    table=tables(WORDS),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]),
)
def test_any_minimally_quoted_table_round_trips(tmp_path_factory, table, delimiter, encoding):
    header, body = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([header, *body])
    # Bytes that are valid UTF-8 by chance are decoded as UTF-8.
    assume(encoding != "cp1252" or not re.search(r"[^\x00-\x7f]{2}", text.getvalue()))
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))

    assert read(path) == ([[cell or None for cell in row] for row in body], {})


@given(table=tables(st.text("ab \u00e9,\"\\'\n", max_size=8)), delimiter=st.sampled_from(",;\t|"))
def test_any_escaped_table_round_trips(tmp_path_factory, table, delimiter):
    header, body = table
    # This row shows that quotation marks are escaped and not doubled.
    body = [[f'say "x"{delimiter} y'] * len(header), *body]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    writer.writerows([header, *body])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue())

    assert read(path) == ([[cell or None for cell in row] for row in body], {})


@settings(max_examples=60)
@given(st.lists(st.sampled_from(['"', ",", "a", "\n", "\\", "'", "\0", "\r", " "]), max_size=80))
def test_any_text_is_read_without_losing_a_row(tmp_path_factory, signs):
    good = "".join(f"r{number},s\n" for number in range(30))
    path = written(tmp_path_factory.mktemp("csv"), "a,b\n" + good + "".join(signs) + "\n")

    chunks = list(Table.open(path).chunks(7))

    rows = [row for chunk in chunks for row in chunk.frame.fillna("").to_numpy().tolist()]
    rejected = "".join(reject.text for chunk in chunks for reject in chunk.rejects)
    assert rows[:30] == [[f"r{number}", "s"] for number in range(30)]
    assert ("".join(cell for row in rows[30:] for cell in row) + rejected).count("a") == signs.count("a")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_replacement_character_in_a_valid_file_is_text(tmp_path, encoding):
    path = written(tmp_path, "request,note\nMRI,\ufffd\n".encode(encoding))

    assert read(path, 5) == ([["MRI", "\ufffd"]], {})
