"""JSON lines and arrays, and rejects of other lines."""

import json
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imr_ml.errors import SchemaError
from imr_ml.tables.table import Table


def read(path, rows=1000, columns=None):
    """Return all rows as dicts, and the line and reason of each rejected line."""
    chunks = list(Table.open(path).chunks(rows, columns))
    frame = pd.concat([chunk.frame for chunk in chunks])
    assert frame.index.tolist() == list(range(len(frame)))
    return frame.to_dict("records"), {reject.line: reject.reason for chunk in chunks for reject in chunk.rejects}


def written(folder, content, name="a.jsonl"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_may_lack_keys_and_every_chunk_has_all_columns(tmp_path):
    path = written(tmp_path, '{"a": 1}\n\n{"b": "x", "a": null}\r\n{"c": true}')

    chunks = list(Table.open(path).chunks(1))

    assert Table.open(path).columns == ("a", "b", "c")
    assert [list(chunk.frame) for chunk in chunks] == [["a", "b", "c"]] * 3
    assert read(path)[0] == [
        {"a": 1, "b": None, "c": None},
        {"a": None, "b": "x", "c": None},
        {"a": None, "b": None, "c": True},
    ]


def test_lists_and_objects_become_json_text(tmp_path):
    path = written(tmp_path, '{"a": ["Pe\u00f1a", 1.50, 123456789012345678901], "b": {"c": null}}\n')

    assert read(path) == ([{"a": '["Pe\u00f1a", 1.5, 123456789012345678901]', "b": '{"c": null}'}], {})


def test_numbers_are_exact(tmp_path):
    path = written(tmp_path, '{"a": 0.1, "b": 123456789012345678901234567890, "c": 5e-324, "d": 9007199254740993}\n')

    assert read(path)[0] == [{"a": 0.1, "b": 123456789012345678901234567890, "c": 5e-324, "d": 9007199254740993}]


def test_nan_and_infinity_as_python_writes_them_are_read(tmp_path):
    ((row,), reasons) = read(written(tmp_path, '{"a": NaN, "b": Infinity}\n'))

    assert (math.isnan(row["a"]), row["b"], reasons) == (True, math.inf, {})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{broken", "is not JSON (column 2)"),
        ("[1, 2]", "is not an object"),
        ("17", "is not an object"),
        ('{"a": ' + "[" * 100_000, "is nested too deeply"),
        ('{"a": "x\\u0000y"}', "contains a NUL character, as broken files do"),
        ('{"a": "\\ud800"}', "contains half a surrogate pair"),
        ('{"a": ' + "9" * 5000 + "}", "contains a number with too many digits"),
    ],
)
def test_a_broken_line_is_rejected_and_the_next_row_is_read(tmp_path, line, reason):
    path = written(tmp_path, '{"a": "before"}\n' + line + '\n{"a": "after"}\n')

    assert read(path) == ([{"a": "before"}, {"a": "after"}], {2: reason})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_detected(tmp_path, encoding):
    path = written(tmp_path, '{"a": "Pe\u00f1a"}\n'.encode(encoding))

    assert read(path) == ([{"a": "Pe\u00f1a"}], {})
    assert encoding in Table.open(path).description


@pytest.mark.parametrize("columns", [None, ["b"]])
def test_an_array_of_objects_is_read_like_lines(tmp_path, columns):
    objects = [{"a": number, "b": "x" * number} for number in range(50)]
    path = written(tmp_path, json.dumps(objects, indent=1), "a.json")

    rows, reasons = read(path, 7, columns)

    assert rows == [{key: row[key] for key in columns or row} for row in objects]
    assert reasons == {}


def test_an_element_of_an_array_that_is_not_an_object_is_rejected(tmp_path):
    path = written(tmp_path, '[{"a": 1}, 2, {"a": 3}]', "a.json")

    assert read(path) == ([{"a": 1}, {"a": 3}], {2: "is not an object"})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "has no row"),
        ("[]", "has no row"),
        ("{\nx\n", "no line is an object"),
        ('[{"a": 1}, {"a": 2', "is not JSON \\(line 1, column"),
        ('[{"a": ' + "[" * 100_000, "is nested too deeply"),
        ('[["MRI", 41]]', "orient='records'"),
        ("\n".join(f'{{"key {number}": 1}}' for number in range(10_001)), "more than 10000 different keys"),
    ],
)
def test_a_file_without_rows_is_refused_in_one_line(tmp_path, content, complaint):
    with pytest.raises(SchemaError, match=complaint) as caught:
        list(Table.open(written(tmp_path, content)).chunks(10))

    assert "\n" not in str(caught.value)


FRAME = pd.DataFrame(
    {"request": ["MRI of the knee", "PT 2x6", "CT"], "age": [41, 52, 63], "note": ["x", None, 'y "z"']}
)


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table"])
@pytest.mark.parametrize("indent", [None, 2])
def test_every_orientation_of_pandas_round_trips(tmp_path, orient, indent):
    FRAME.to_json(tmp_path / "a.json", orient=orient, indent=indent)

    assert read(tmp_path / "a.json") == (FRAME.astype(object).where(FRAME.notna(), None).to_dict("records"), {})


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table"])
def test_an_index_of_case_numbers_becomes_a_column(tmp_path, orient):
    cases = ["CM15-1", "CM15-2", "CM15-3"]
    FRAME.set_index(pd.Index(cases)).to_json(tmp_path / "a.json", orient=orient)

    rows, _ = read(tmp_path / "a.json")

    assert [row["index"] for row in rows] == cases
    assert [row["request"] for row in rows] == FRAME["request"].tolist()


KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
)


@given(
    objects=st.lists(st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=6).filter(any),
    ascii_only=st.booleans(),
    as_array=st.booleans(),
    rows=st.integers(1, 7),
)
def test_any_list_of_objects_round_trips(tmp_path_factory, objects, ascii_only, as_array, rows):
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in objects]
    content = f"[{','.join(lines)}]" if as_array else "\n".join(lines)
    path = written(tmp_path_factory.mktemp("json"), content)

    read_rows, reasons = read(path, rows)

    names = dict.fromkeys(key for row in objects for key in row)
    assert read_rows == [{name: row.get(name) for name in names} for row in objects]
    assert [type(row[name]) for row in read_rows for name in names] == [
        type(row.get(name)) for row in objects for name in names
    ]
    assert reasons == {}
