"""What the pages show in Python runs as it stands."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


def python_of(page):
    return "\n".join(re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE))


def test_the_example_of_scoring_from_python_runs(model_folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "latest").symlink_to(model_folder)
    monkeypatch.chdir(tmp_path)

    exec(compile(python_of("scoring.md"), "scoring.md", "exec"), {})

    printed = capsys.readouterr().out
    assert "p_overturned" in printed
    assert re.search(r"^(request|clinical_summary|facts|numbers) .+ -?\d+\.\d+$", printed, re.MULTILINE)


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_every_file_that_a_page_links_to_is_there(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (DOCS / page).read_text("utf-8"))

    assert [link for link in links if not (DOCS / link).exists()] == []
