"""Parquet files and folders of them."""

import datetime
import decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imr_ml.errors import SchemaError
from imr_ml.tables.formats import is_table, table_format
from imr_ml.tables.table import Table


def whole(path, rows=1000, columns=None):
    return pd.concat([chunk.frame for chunk in Table.open(path).chunks(rows, columns)])


@pytest.mark.parametrize("row_group_size", [1, 2, 100])
def test_chunks_do_not_depend_on_row_groups(tmp_path, row_group_size):
    pq.write_table(pa.table({"a": range(7)}), tmp_path / "a.parquet", row_group_size=row_group_size)

    chunks = list(Table.open(tmp_path / "a.parquet").chunks(3))

    assert [chunk.frame["a"].tolist() for chunk in chunks] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [chunk.frame.index.tolist() for chunk in chunks] == [[0, 1, 2], [3, 4, 5], [6]]


def test_types_do_not_depend_on_missing_values(tmp_path):
    table = pa.table(
        {
            "number": pa.array([1, None, 3]),
            "flag": [True, None, False],
            "share": [0.1, None, 0.3],
            "text": ["x", None, "z"],
            "large": pa.array(["x", None, "z"], pa.large_string()),
            "category": pa.array(["x", None, "z"]).dictionary_encode(),
            "day": pa.array([datetime.date(2015, 3, 4), None, None]),
            "time": pa.array([datetime.datetime(2015, 3, 4, 5), None, None], pa.timestamp("ms")),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")

    chunks = list(Table.open(tmp_path / "a.parquet").chunks(1))

    assert len({tuple(chunk.frame.dtypes.map(str)) for chunk in chunks}) == 1
    assert chunks[0].frame.iloc[0].tolist() == [
        1, True, 0.1, "x", "x", "x", datetime.date(2015, 3, 4), pd.Timestamp(2015, 3, 4, 5),
    ]  # fmt: skip


def test_a_saved_index_is_a_column(tmp_path):
    pd.DataFrame({"a": [1, 2]}, index=["x", "y"]).to_parquet(tmp_path / "a.parquet")

    assert Table.open(tmp_path / "a.parquet").columns == ("a", "__index_level_0__")
    assert whole(tmp_path / "a.parquet").index.tolist() == [0, 1]


def test_other_types_pass_through_unchanged(tmp_path):
    table = pa.table(
        {
            "list": pa.array([["x", None], None]),
            "struct": pa.array([{"a": 1}, None]),
            "bytes": pa.array([b"Pe\xc3\xb1a", b"Pe\xf1a"]),
            "amount": pa.array([decimal.Decimal("1.50"), None], pa.decimal128(10, 2)),
            "day": pa.array([datetime.date(2015, 3, 4), None], pa.date32()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")

    frame = whole(tmp_path / "a.parquet")

    back = pa.Table.from_pandas(frame, preserve_index=False)
    assert back.schema.types == table.schema.types
    assert back.to_pylist() == table.to_pylist()


def test_a_partitioned_folder_is_one_table_in_the_order_of_its_files(tmp_path):
    folder = tmp_path / "table"
    for year, numbers in (("2016", [3, 4]), ("2015", [1, 2]), ("__HIVE_DEFAULT_PARTITION__", [9])):
        part = folder / f"year={year}"
        part.mkdir(parents=True)
        pq.write_table(pa.table({"a": numbers}), part / "part-0.parquet")
    (folder / "_SUCCESS").touch()
    (folder / "_temporary").mkdir()
    pq.write_table(pa.table({"a": [99]}), folder / "_temporary/part-0.parquet")

    frame = whole(folder, rows=2)

    assert table_format(folder) == "parquet"
    assert Table.open(folder).columns == ("a", "year")
    assert frame["a"].tolist() == [1, 2, 3, 4, 9]
    assert frame["year"].tolist()[:4] == ["2015", "2015", "2016", "2016"]
    assert frame["year"].isna().tolist()[4]


def test_files_of_a_folder_may_lack_columns_and_differ_in_width_of_numbers(tmp_path):
    pq.write_table(pa.table({"a": pa.array([1], pa.int32())}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"b": ["x"], "a": pa.array([2], pa.int64())}), tmp_path / "2.parquet")

    frame = whole(tmp_path)

    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].isna().tolist() == [True, False]
    assert len({str(chunk.frame.dtypes.to_dict()) for chunk in Table.open(tmp_path).chunks(1)}) == 1


def test_files_of_a_folder_with_incompatible_types_are_refused(tmp_path):
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "2.parquet")

    with pytest.raises(SchemaError, match="column a has different types in its files"):
        whole(tmp_path)


def test_only_the_wanted_columns_are_read(tmp_path):
    pq.write_table(pa.table({"a": [1, 2], "b": [3, 4], "c": [5, 6]}), tmp_path / "a.parquet")

    assert list(whole(tmp_path / "a.parquet", columns=["c", "a", "none"])) == ["a", "c"]
    assert whole(tmp_path / "a.parquet", columns=["none"]).shape == (2, 0)


@pytest.mark.parametrize(
    "names", [["letter.txt"], ["letter.txt", "scored.parquet"], ["letters/a.pdf", "b.parquet"], []]
)
def test_a_folder_of_letters_is_not_a_table(tmp_path, names):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert not is_table(tmp_path)
    with pytest.raises(SchemaError, match=r"this folder is not a table"):
        list(Table.open(tmp_path).chunks(10))


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1 and something else PAR1"])
def test_a_broken_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "a.parquet").write_bytes(content)

    with pytest.raises(SchemaError, match=r"a\.parquet: can't be read \(ArrowInvalid\); check the file$"):
        whole(tmp_path / "a.parquet")


def test_a_table_without_rows_is_refused(tmp_path):
    pq.write_table(pa.table({"a": pa.array([], pa.string())}), tmp_path / "a.parquet")

    with pytest.raises(SchemaError, match="has no row"):
        whole(tmp_path / "a.parquet")


def test_text_that_is_not_utf8_is_decoded_as_in_a_text_file(tmp_path):
    broken = pa.array([b"Pe\xf1a", b"Mu\xc3\xb1oz", None], pa.binary()).cast(pa.string(), safe=False)
    pq.write_table(pa.table({"name": broken, "age": [41, 42, 43]}), tmp_path / "a.parquet")

    frame = whole(tmp_path / "a.parquet")

    assert frame["name"].fillna("missing").tolist() == ["Pe\u00f1a", "Mu\u00f1oz", "missing"]
    assert frame["age"].tolist() == [41, 42, 43]
