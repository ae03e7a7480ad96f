"""Run the Python examples of the docs, and check every link."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md", *sorted(DOCS.glob("*.md"))]


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


def test_the_example_of_fetching_from_python_runs():
    exec(compile(python_of("fetching.md"), "fetching.md", "exec"), {})


def headings_of(page):
    """Return the anchors that GitHub generates for the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_and_heading_that_a_page_links_to_exists(page):
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text("utf-8"))

    broken = [
        (file, heading)
        for file, heading in links
        if not (target := page.parent / file if file else page).exists()
        or (heading and heading not in headings_of(target))
    ]
    assert broken == []
