"""A desk started from the command line."""

import os
import signal
import subprocess
import sys

import pytest

RUN = "from imr_ml.cli import app; app()"


@pytest.fixture(scope="module")
def desk_address(model_folder, tmp_path_factory):
    """Address of a desk; after it exits, it must have printed only its address and no text of requests."""
    folder = tmp_path_factory.mktemp("desk")
    command = [sys.executable, "-c", RUN, "desk", "--no-open", "--port", "0", "--model", str(model_folder)]
    with (folder / "errors").open("wb") as errors:
        desk = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True)
        line = desk.stdout.readline()
        yield line.split()[4]
        os.kill(desk.pid, signal.SIGINT)
        rest = desk.communicate()[0]
    printed = (folder / "errors").read_text()
    assert line.startswith("the desk is at http://127.0.0.1:"), printed
    assert rest == ""
    assert (
        printed == "imr-ml: this model was trained on the SAMPLE corpus: its predictions for real "
        "requests are meaningless\n"
    )
    assert desk.returncode == 0
    assert [path.name for path in folder.iterdir()] == ["errors"]
