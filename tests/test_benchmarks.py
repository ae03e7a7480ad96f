"""Every benchmark can be imported, so that a rename in the package does not break one unnoticed."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__main__")


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_is_imported(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    importlib.import_module(f"benchmarks.{name}")
