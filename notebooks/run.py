"""Run every notebook on the sample corpus in a temporary folder; an error in a cell fails the run."""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from imr_ml.corpus.store import write_requests
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.sample.writing import write_samples

LETTERS = 300
SEED = 7


def main() -> int:
    """Execute the notebooks and print a line for each."""
    # Silences ipykernel's warning about frozen modules in the debugger.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    # Keep runs on samples in the temporary folder, not on a team's server.
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_samples(folder / "data/sample", LETTERS, SEED)
        requests = ingest(letter_files([folder / "data/sample"])).requests
        write_requests(requests, folder / "data/processed/requests.parquet")
        for path in sorted(Path(__file__).parent.glob("*.ipynb")):
            start_s = time.perf_counter()
            notebook = nbformat.read(path, as_version=4)
            NotebookClient(notebook, timeout=600, resources={"metadata": {"path": place}}).execute()
            elapsed_s = time.perf_counter() - start_s
            print(f"{path.name}: ran {len(notebook.cells)} cells on {LETTERS} SAMPLE letters in {elapsed_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
