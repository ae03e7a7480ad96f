"""Check docs/data.md: columns with their roles, findings with their levels, and its examples."""

import re
from pathlib import Path

import pytest
from factories import make_requests

from imr_ml.corpus.schema import COLUMNS, OFFICIAL_SOURCES, SAMPLE_SOURCE
from imr_ml.quality.settings import default_settings, read_settings

PAGE = (Path(__file__).parent.parent / "docs" / "data.md").read_text("utf-8")


def rows_below(heading):
    """Return the cells of the first table below a heading, without the header."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_every_column_is_listed_in_order_with_its_role_and_type():
    listed = [(name.strip("`"), role, kind) for name, role, kind, _ in rows_below("Column by column")]

    kinds = {column.name: f"{column.kind}, required" if column.required else column.kind for column in COLUMNS}
    assert listed == [(column.name, column.role.value, kinds[column.name]) for column in COLUMNS]


def test_every_source_is_listed():
    assert {name.strip("`") for name, *_ in rows_below("Where the data comes from")} == {
        *OFFICIAL_SOURCES,
        SAMPLE_SOURCE,
    }


def test_every_finding_is_listed_with_its_level_and_description():
    entries = default_settings().finding | default_settings().identifier

    assert [tuple(row) for row in rows_below("The check")] == [
        (f"`{kind}`", entry.level.value, entry.says) for kind, entry in entries.items()
    ]


def test_the_example_from_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_requests(20).assign(decision_date="2016-01-01").to_parquet("requests.parquet")
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)

    exec(compile(example, "data.md", "exec"), {})

    assert "error decision_before_application 20 CM16-0000000 item 1, decision_date" in capsys.readouterr().out


@pytest.mark.parametrize("example", re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
def test_the_example_settings_are_valid(example):
    assert read_settings(example) != default_settings()
