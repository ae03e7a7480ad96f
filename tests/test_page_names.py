"""Pages are written only to .html files."""

import pytest
from factories import make_requests
from typer.testing import CliRunner

from imr_ml.cli import app


@pytest.mark.parametrize(
    "command",
    [
        ["check", "t.csv", "--report", "x.pdf"],
        ["score", "t.csv", "-o", "o.csv", "--report", "x.pdf"],
        ["rates", "t.csv", "--html", "x.pdf"],
    ],
    ids=lambda command: command[0],
)
def test_a_page_with_another_extension_is_refused_before_the_input_is_read(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_requests(4).to_csv("t.csv", index=False)

    done = CliRunner().invoke(app, command)

    assert done.exit_code == 2
    assert "x.pdf: the page is HTML; end its name in .html" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
