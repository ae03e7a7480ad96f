"""Tables of older schemas are read as one of this one; newer ones are refused."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import KNEE, NORCO, make_letter_text, make_requests

from imr_ml.corpus.schema import SchemaError
from imr_ml.corpus.store import METADATA_KEY, SCHEMA_VERSION, read_requests, schema_version, upgraded, write_requests
from imr_ml.ingest.ingestion import ingest


@pytest.fixture
def old(tmp_path):
    """A table as it was written before it counted versions, with a case that was decided twice."""
    for name, items in {"1": [KNEE], "2": [NORCO], "3": [KNEE, NORCO]}.items():
        case = "CM16-0000002" if name == "3" else "CM16-0000001"
        (tmp_path / f"{name}.txt").write_text(make_letter_text(case_number=case, items=items))
    table = ingest(sorted(tmp_path.glob("*.txt"))).requests.drop(columns="case_version")
    path = tmp_path / "old.parquet"
    table.to_parquet(path, index=False)
    return path


def with_version(path, message):
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, METADATA_KEY: message}), path)


def test_upgrading_version_1_numbers_the_issues_of_each_case(old):
    assert schema_version(old) == 1
    assert read_requests(old)["case_version"].tolist() == [1, 2, 1, 1]


def test_an_upgraded_table_is_written_and_read_in_the_current_version(old, tmp_path):
    table = read_requests(old)
    write_requests(table, tmp_path / "new.parquet")

    assert schema_version(tmp_path / "new.parquet") == SCHEMA_VERSION
    pd.testing.assert_frame_equal(read_requests(tmp_path / "new.parquet"), table)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (str(SCHEMA_VERSION + 1), "its schema has version 3, this imr-ml reads up to 2; install the imr-ml"),
        ("0", "its schema has an unknown version; ingest its letters again"),
        ("soon", "its schema has an unknown version; ingest its letters again"),
    ],
)
def test_a_table_with_an_unknown_version_is_refused(old, message, line):
    with_version(old, message)

    with pytest.raises(SchemaError, match=f"old.parquet: {line}"):
        read_requests(old)


def test_a_folder_has_the_version_of_its_oldest_file(old, tmp_path):
    folder = tmp_path / "parts"
    write_requests(read_requests(old), folder / "new.parquet")
    assert schema_version(folder) == SCHEMA_VERSION

    old.rename(folder / "old.parquet")
    assert schema_version(folder) == 1


def test_a_table_without_checksums_is_not_upgraded(tmp_path):
    requests = make_requests(4)

    assert upgraded(requests, 1) is requests
    requests.to_csv(tmp_path / "a.csv", index=False)
    assert "case_version" not in read_requests(tmp_path / "a.csv")


def test_metadata_of_other_programs_is_ignored(old):
    table = pq.read_table(old)
    pq.write_table(table.replace_schema_metadata({b"theirs": b"1"}), old)

    assert schema_version(old) == 1
    assert isinstance(pq.read_schema(old), pa.Schema)
