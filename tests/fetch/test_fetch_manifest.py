"""The manifest file: refusals and missing files."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from fetch.fetching import fetch_few

from imr_ml.fetch.index import read_index
from imr_ml.fetch.manifest import Manifest, letters_of_manifest
from imr_ml.fetch.types import FetchError


def changed(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_another_database_is_refused_and_unchanged(tmp_path):
    path = tmp_path / "manifest.sqlite"
    changed(path, "CREATE TABLE bookmarks (url TEXT)")
    before = path.read_bytes()

    for use in (letters_of_manifest, Manifest):
        with pytest.raises(FetchError, match="is not a manifest of 'imr-ml fetch'"):
            use(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all, but text", b"%PDF-1.7" * 200])
def test_a_file_that_is_not_a_database_is_refused(tmp_path, content):
    path = tmp_path / "manifest.sqlite"
    path.write_bytes(content)

    for use in (letters_of_manifest, read_index, Manifest):
        with pytest.raises(FetchError, match="is not a manifest"):
            use(path)


def test_a_manifest_of_another_schema_version_is_refused(tmp_path):
    path = tmp_path / "manifest.sqlite"
    Manifest(path).close()
    changed(path, "PRAGMA user_version = 99")

    for use in (letters_of_manifest, Manifest):
        with pytest.raises(FetchError, match="schema version 99, but this version of imr-ml reads 1"):
            use(path)


def test_a_manifest_without_letters_has_none(tmp_path):
    Manifest(tmp_path / "manifest.sqlite").close()

    assert letters_of_manifest(tmp_path / "manifest.sqlite") == []
    assert len(read_index(tmp_path / "manifest.sqlite").cases) == 0


def test_a_missing_manifest_is_not_created(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such manifest"):
        letters_of_manifest(tmp_path / "manifest.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_letter_is_named(replica, tmp_path):
    fetch_few(replica, tmp_path)
    gone, *_ = letters_of_manifest(tmp_path / "manifest.sqlite")
    gone.unlink()

    with pytest.raises(FetchError, match=f"{gone.name} is missing"):
        letters_of_manifest(tmp_path / "manifest.sqlite")


def test_a_folder_may_be_moved_with_its_manifest(replica, tmp_path):
    fetch_few(replica, tmp_path / "here")
    (tmp_path / "here").rename(tmp_path / "there")

    files = letters_of_manifest(tmp_path / "there" / "manifest.sqlite")

    assert len(files) == 8
    assert all(file.read_bytes().startswith(b"%PDF") for file in files)
