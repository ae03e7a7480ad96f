"""CSV files of any dialect and encoding, and what becomes of broken rows."""

import csv
import gzip
import io
import re

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imr_ml.errors import SchemaError
from imr_ml.tables.dialects import Dialect
from imr_ml.tables.encodings import Encoding
from imr_ml.tables.orderly import parse_fast
from imr_ml.tables.reading import column_names, detect_format, read_chunks
from imr_ml.tables.records import Layout, records_of


def read(path, rows=1000, columns=None):
    """All rows as lists, None where a cell is missing, and the reasons."""
    chunks = list(read_chunks(path, rows, columns))
    frame = pd.concat([chunk.frame for chunk in chunks])
    assert frame.index.tolist() == list(range(len(frame)))
    reasons = {place: reason for chunk in chunks for place, reason in chunk.reasons.items()}
    return [[None if pd.isna(cell) else cell for cell in row] for row in frame.to_numpy().tolist()], reasons


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
def test_dialects(tmp_path, content, delimiter, rows):
    path = written(tmp_path, content)

    assert read(path) == (rows, {})
    assert detect_format(path).delimiter == delimiter


@pytest.mark.parametrize(
    ("encoding", "known_as"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
        ("mac_roman", "mac_roman"),
        ("cp850", "cp850"),
    ],
)
def test_encodings(tmp_path, encoding, known_as):
    text = "Mr. Pe\u00f1a\u2019s \u201cgood\u201d knee" if encoding != "cp850" else "Jos\u00e9 Pe\u00f1a"
    path = written(tmp_path, f"patient,seen\n{text},yes\n".encode(encoding))

    assert read(path) == ([[text, "yes"]], {})
    assert detect_format(path).encoding == known_as


def test_other_scripts_are_left_to_the_detector(tmp_path):
    text = "Пациент жалуется на боль в пояснице, отдающую в левую ногу; назначена операция"
    path = written(tmp_path, f"request|note\n{text}|x\n".encode("cp1251"))

    assert detect_format(path).encoding not in ("utf-8", "cp1252", "mac_roman", "cp850")


def test_one_byte_late_in_a_large_file_decides_for_all_of_it(tmp_path):
    rows = [f"{number},knee" for number in range(150_000)]
    path = written(tmp_path, ("id,note\n" + "\n".join(rows) + "\n150000,Pe\u00f1a\n").encode("cp1252"))

    chunks = list(read_chunks(path, 50_000))

    assert detect_format(path).encoding == "cp1252"
    assert chunks[-1].frame["note"].iloc[-1] == "Pe\u00f1a"
    assert not any(chunk.reasons for chunk in chunks)


def test_a_broken_byte_among_sound_utf8_is_one_bad_row(tmp_path):
    sound = "".join(f"{number},Pe\u00f1a\n" for number in range(20)).encode()
    path = written(tmp_path, b"id,name\n" + sound + b"20,Pe\xc3\n21,x\n")

    rows, reasons = read(path)

    assert [row[1] for row in rows[18:]] == ["Pe\u00f1a", "Pe\u00f1a", "Pe\ufffd", "x"]
    assert reasons == {20: "line 22 holds bytes that are not utf-8"}


@pytest.mark.parametrize(
    ("content", "rows", "reasons"),
    [
        ("1,2,3\n4,5\n", [["1", "2,3"], ["4", "5"]], {0: "line 2 has 3 cells, the header names 2"}),
        ("1\n4,5\n", [["1", None], ["4", "5"]], {0: "line 2 has 1 cell, the header names 2"}),
        ("1,2,\n4,5,,\n", [["1", "2"], ["4", "5"]], {}),
        (
            '"MRI,x\nCT,y\n',
            [["MRI,x", None], ["CT", "y"]],
            {0: "line 2 opens a quotation mark that nothing closes"},
        ),
        (
            '"MRI,x\nCT,y\n"Foo",bar\n',
            [["MRI,x", None], ["CT", "y"], ["Foo", "bar"]],
            {0: "line 2 opens a quotation mark that nothing closes"},
        ),
        (
            '"a 5" needle",x\n4,5\n',
            [['a 5 needle"', "x"], ["4", "5"]],
            {0: "line 2 has a quotation mark within a quoted cell that is not doubled"},
        ),
        ("a\0b,x\n4,5\n", [["a\0b", "x"], ["4", "5"]], {0: "line 2 holds a NUL character, as broken files do"}),
        ('"two\nlines",x,y\n4,5\n', [["two\nlines", "x,y"], ["4", "5"]], {0: "line 2 has 3 cells, the header names 2"}),
    ],
)
def test_a_broken_row_is_one_bad_row_and_the_next_is_read(tmp_path, content, rows, reasons):
    good = "".join(f"r{number},s\n" for number in range(20))

    read_rows, read_reasons = read(written(tmp_path, "a,b\n" + content + good))

    assert read_rows[:-20] == rows
    assert read_rows[-20:] == [[f"r{number}", "s"] for number in range(20)]
    assert read_reasons == reasons


def test_reasons_report_rows_and_lines_across_chunks(tmp_path):
    path = written(tmp_path, 'a,b\n1,"two\nlines"\n\n2,x\n3\n4,x\n5\n')

    rows, reasons = read(path, rows=2)

    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert reasons == {
        2: "line 6 has 1 cell, the header names 2",
        4: "line 8 has 1 cell, the header names 2",
    }


def test_blank_lines_are_no_rows(tmp_path):
    assert read(written(tmp_path, "\n\na,b\n\n1,2\n   \n\r\n3,4\n\n"))[0] == [["1", "2"], ["3", "4"]]


def test_only_the_wanted_columns_are_read(tmp_path):
    path = written(tmp_path, "a,b,c\n1,2,3\n4,5\n")

    assert read(path, columns=["c", "a", "none"]) == (
        [["1", "3"], ["4", None]],
        {1: "line 3 has 2 cells, the header names 3"},
    )
    (chunk,) = read_chunks(path, 10, columns=["none"])
    assert chunk.frame.shape == (2, 0)


def test_a_gzip_file_is_unpacked(tmp_path):
    assert read(written(tmp_path, gzip.compress(b"a,b\n1,2\n"), "a.csv.gz"))[0] == [["1", "2"]]


def test_column_names_are_reported_without_blanks_and_holes(tmp_path):
    path = written(tmp_path, ' a , "Clinical\nSummary",\n1,2,3\n')

    assert column_names(path) == ("a", "Clinical Summary", "Unnamed: 2")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "holds no row, nor a header"),
        ("a,b\n", "holds no row"),
        ("a,b,a\n1,2,3\n", r"column\(s\) stand twice: a"),
        ("x" * 300 + ",b\n1,2\n", "does not hold column names"),
        ('"a,b\n1,2\n', "its header opens a quotation mark"),
        (",".join(map(str, range(10_001))) + "\n", "has 10001 columns"),
    ],
)
def test_a_file_without_a_table_is_refused(tmp_path, content, complaint):
    with pytest.raises(SchemaError, match=complaint):
        list(read_chunks(written(tmp_path, content), 10))


def test_a_broken_gzip_file_is_reported(tmp_path):
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    path = written(tmp_path, content[:-200], "a.csv.gz")

    with pytest.raises(SchemaError, match=r"can't be read.* \(EOFError\); check the file"):
        list(read_chunks(path, 10))


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
def test_any_quoted_table_comes_back_whatever_its_dialect(
    tmp_path_factory, table, delimiter, quoting, end, encoding, rows
):
    header, body = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows([header, *body])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))

    assert read(path, rows) == ([[cell or None for cell in row] for row in body], {})
    assert column_names(path) == tuple(header)


WORDS = st.text("ab 0.\u00e9\u00f1\u2019\u201c\n\"'", max_size=10)


@given(
    table=tables(WORDS),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16"]),
)
def test_any_table_comes_back_that_is_quoted_where_it_must_be(tmp_path_factory, table, delimiter, encoding):
    header, body = table
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([header, *body])
    # Accents in a row are taken for another script.
    assume(encoding != "cp1252" or not re.search(r"[^\x00-\x7f]{4}", text.getvalue()))
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue().encode(encoding))

    assert read(path) == ([[cell or None for cell in row] for row in body], {})


@given(table=tables(st.text("ab \u00e9,\"\\'\n", max_size=8)), delimiter=st.sampled_from(",;\t|"))
def test_any_escaped_table_comes_back(tmp_path_factory, table, delimiter):
    header, body = table
    # By this row anyone can tell that marks are escaped here, not doubled.
    body = [[f'say "x"{delimiter} y'] * len(header), *body]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    writer.writerows([header, *body])
    path = written(tmp_path_factory.mktemp("csv"), text.getvalue())

    assert read(path) == ([[cell or None for cell in row] for row in body], {})


@given(st.text('a,"\n\r \u00e9', max_size=60), st.integers(1, 3))
def test_text_in_good_order_is_read_fast_as_it_is_read_slowly(text, width):
    window = (text + "\n").encode()
    names = tuple(map(str, range(width)))
    layout = Layout(Encoding("utf-8"), Dialect(), names, 0, 1)
    wanted = tuple(range(width))

    fast = parse_fast(window, layout, wanted)

    if fast is not None:
        slow = records_of(window[: fast.used], layout, wanted, 1)
        assert fast.table.to_pylist() == slow.table.to_pylist()
        assert (fast.used, fast.lines, fast.reasons) == (slow.used, slow.lines, slow.reasons)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(['"', ",", "a", "\n", "\\", "'", "\0", "\r", " "]), max_size=80))
def test_no_text_breaks_the_reader_or_loses_a_row(tmp_path_factory, signs):
    good = "".join(f"r{number},s\n" for number in range(30))
    path = written(tmp_path_factory.mktemp("csv"), "a,b\n" + good + "".join(signs) + "\n")

    rows, reasons = read(path, 7)

    assert rows[:30] == [[f"r{number}", "s"] for number in range(30)]
    assert all(len(reason) < 120 for reason in reasons.values())
    kept = "".join(cell or "" for row in rows[30:] for cell in row)
    assert kept.count("a") == signs.count("a")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_replacement_sign_in_a_sound_file_is_text_like_any_other(tmp_path, encoding):
    path = written(tmp_path, "request,note\nMRI,\ufffd\n".encode(encoding))

    assert read(path, 5) == ([["MRI", "\ufffd"]], {})
