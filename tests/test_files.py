import hashlib
from pathlib import Path

import pytest

from imr_ml.files import StorageError, atomic_write, explain_storage_errors, locked, sha256_of


def test_a_file_exists_once_the_block_ends(tmp_path):
    target = tmp_path / "new" / "table.csv"

    with atomic_write(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.suffix == ".csv"

    assert target.read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o644
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_block_leaves_only_the_old_file(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    with pytest.raises(RuntimeError), atomic_write(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError

    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "a").write_bytes(b"content")

    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()


def test_a_lock_has_one_holder_and_is_released_after_a_failure(tmp_path):
    with pytest.raises(RuntimeError), locked(tmp_path / "lock", AssertionError()):
        with pytest.raises(KeyError, match="busy"), locked(tmp_path / "lock", KeyError("busy")):
            pass
        raise RuntimeError

    with locked(tmp_path / "lock", AssertionError()):
        pass


def test_the_error_of_a_full_disk_names_the_folder_and_leaves_the_old_file(tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("old")

    message = rf"{tmp_path}: can't be written to \(no space left on device\)"
    with pytest.raises(StorageError, match=message), atomic_write(target), Path("/dev/full").open("w") as full:
        full.write("x")

    assert target.read_text() == "old"


def test_other_os_errors_are_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError), explain_storage_errors(tmp_path):
        (tmp_path / "gone").read_bytes()
