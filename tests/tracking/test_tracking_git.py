"""The git state of the code."""

import shutil
import subprocess

import pytest

from imr_ml.tracking.git import GitState, git_state

IDENTITY = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "code.py").write_text("answer = 41\n")
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_a_clean_checkout_is_its_commit(checkout):
    state = git_state(checkout)
    assert len(state.commit) == 40
    assert not state.dirty
    assert state.short == state.commit[:7]


def test_a_changed_file_makes_it_dirty_and_an_untracked_one_does_not(checkout):
    (checkout / "notes.txt").write_text("buy milk\n")
    assert not git_state(checkout).dirty
    (checkout / "code.py").write_text("answer = 42\n")
    assert git_state(checkout).dirty
    assert git_state(checkout).short.endswith("*")


def test_the_working_directory_is_used_by_default(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    assert git_state() is not None
    assert git_state() == git_state(checkout)


def test_the_state_is_none_outside_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) is None


def test_the_state_is_none_before_the_first_commit(tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    assert git_state(tmp_path) is None


def test_the_state_is_none_without_git(checkout, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert git_state(checkout) is None


def test_a_dirty_state_is_marked():
    assert GitState("a1b2c3d4e5f6", dirty=True).short == "a1b2c3d*"
