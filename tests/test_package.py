"""The built wheel works in an environment of its own and carries its data files."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        PROJECT,
    ]
    subprocess.run(command, check=True)
    (built,) = folder.glob("imr_ml-*.whl")
    return built


@pytest.mark.slow
def test_the_wheel_carries_taxonomy_rules_and_sample_data(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())

    data = {str(path.relative_to(PROJECT / "src")) for path in (PROJECT / "src").rglob("*.toml")}
    assert data <= held
    assert {"imr_ml/guidelines/taxonomy.toml", "imr_ml/nlp/rule_files/drugs.toml", "imr_ml/py.typed"} <= held
    assert not any(name.startswith(("tests/", "notebooks/", "data/")) for name in held)


@pytest.mark.slow
def test_the_wheel_installs_into_an_empty_environment_and_runs(wheel, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--constraint", PROJECT / "requirements.lock", wheel], check=True)

    version = subprocess.check_output([tmp_path / "env/bin/imr-ml", "--version"], text=True, cwd=tmp_path)
    families = (
        "from imr_ml.guidelines.citations import families_in;"
        "print(families_in('Decision based on MTUS Knee Complaints 2004.'))"
    )

    assert version.startswith("imr-ml 0.")
    assert subprocess.check_output([python, "-c", families], text=True, cwd=tmp_path).strip() == "{'acoem'}"
