"""Measure the speed of scoring, compared with other methods: `python -m benchmarks.scoring MODEL [ROWS]`.

Uses sample letters, because speed does not depend on the truth. All methods take turns in one process and are timed in
processor time on one core, so that a busy machine slows all of them; only the ratios matter. A transformer of
DistilBERT's size (random weights, 512 tokens) is included if torch is installed. Then whole commands are timed, from
Parquet to Parquet.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from benchmarks.processes import COMMAND, Usage, watch
from imr_ml.corpus.store import write_requests
from imr_ml.ingest.ingestion import ingest
from imr_ml.ingest.inputs import letter_files
from imr_ml.model_files import LoadedModel, read_model
from imr_ml.sample.writing import write_samples
from imr_ml.score_columns import ScoreOptions
from imr_ml.scoring.frame import score_frame
from imr_ml.scoring.scorer import Scorer

if TYPE_CHECKING:
    from collections.abc import Sequence

INPUT_COLUMNS = (
    "case_number",
    "item",
    "request",
    "clinical_summary",
    "ur_guideline",
    "date_of_injury",
    "ur_denial_date",
)
ROUNDS, TIMED_ROWS, LETTERS = 5, 2000, 5000
_TOKENS, _TRANSFORMER_ROWS = 512, 8
_WARM = 100
PLAIN = "plain TF-IDF (words and pairs) + logistic regression on the raw text"


def measure(model_folder: Path) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and value for scoring in one process."""
    model = read_model(model_folder)
    requests = sample_requests(LETTERS)
    rows = requests.head(TIMED_ROWS)
    contenders = {
        "scored, no evidence, no precedents": _scoring_call(rows, model, ScoreOptions(evidence=False, precedents=0)),
        "scored, evidence and 3 precedents": _scoring_call(rows, model, ScoreOptions()),
        **dict(_other_methods(requests, rows)),
    }
    # As `imr-ml score` does.
    gc.freeze()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            seconds[name].append(_processor_s(run))
    per_row = {name: statistics.median(times) / len(rows) for name, times in seconds.items()}
    for name, row_s in per_row.items():
        yield name, f"{1 / row_s:,.0f} requests/s on one core, {per_row[PLAIN] / row_s:.2f} x plain TF-IDF"
    yield from _measure_transformer(1 / per_row["scored, no evidence, no precedents"])
    for name, evidence, precedents in (("no evidence", False, 0), ("evidence and 3 precedents", True, 3)):
        elapsed_ms = _warm_ms(requests, Scorer(model), evidence, precedents)
        yield f"one request, warm, from Python, {name}", f"{elapsed_ms:.1f} ms (median of {_WARM})"
    yield "one request, from a cold start", f"{_cold_s(requests.head(1), model_folder):.1f} s (median of 3)"


def measure_sizes(model_folder: Path, sizes: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Yield rows of a label and value for the whole command, by number of rows."""
    requests = sample_requests(LETTERS)
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            source, output = Path(place) / "in.parquet", Path(place) / "out.parquet"
            _write_repeated(requests, size, source)
            usage = _score_file(source, output, model_folder)
        rate, processor_ms = size / usage.elapsed_s, 1e3 * usage.processor_s / size
        text = f"{rate:,.0f} requests/s, {processor_ms:.2f} ms of processor time per request"
        yield (
            f"{size:,} rows, Parquet to Parquet, {os.cpu_count()} cores",
            f"{text}, peak {usage.peak_mb:,.0f} MB resident",
        )


def sample_requests(letters: int) -> pd.DataFrame:
    """Return requests of sample letters, with the columns that exist before a decision."""
    with tempfile.TemporaryDirectory() as folder:
        write_samples(Path(folder), letters, 11)
        return ingest(letter_files([Path(folder)])).requests[list(INPUT_COLUMNS)]


def _write_repeated(requests: pd.DataFrame, size: int, target: Path) -> None:
    """Write a table of `size` rows that repeats the same letters under new case numbers."""
    rounds = -(-size // len(requests))
    numbered = (requests.assign(case_number=requests["case_number"] + f"-{number}") for number in range(rounds))
    write_requests(pd.concat(list(numbered), ignore_index=True).head(size), target)


def _scoring_call(rows: pd.DataFrame, model: LoadedModel, options: ScoreOptions) -> Callable[[], object]:
    return lambda: score_frame(rows, model, options)


def _other_methods(requests: pd.DataFrame, rows: pd.DataFrame) -> Iterator[tuple[str, Callable[[], object]]]:
    import spacy
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    raw = requests["request"] + "\n" + requests["clinical_summary"] + "\n" + requests["ur_guideline"].fillna("")
    train = raw[len(rows) : 2 * len(rows)]
    labels = [place % 2 for place in range(len(train))]
    texts = raw.head(len(rows)).tolist()
    for name, longest in ((PLAIN, 2), ("plain TF-IDF (words alone) + logistic regression", 1)):
        vectorizer = TfidfVectorizer(ngram_range=(1, longest))
        plain = make_pipeline(vectorizer, LogisticRegression(max_iter=200)).fit(train, labels)
        yield name, lambda plain=plain: plain.predict_proba(texts)
    blank = spacy.blank("en")
    yield "spaCy's blank tokenizer alone", lambda: [len(doc) for doc in blank.tokenizer.pipe(texts)]


def _measure_transformer(rows_per_s: float) -> Iterator[tuple[str, str]]:
    try:
        import torch
    except ImportError:
        yield "transformer of DistilBERT's size, 512 tokens", "not measured: torch is not installed"
        return
    torch.set_num_threads(1)
    layer = torch.nn.TransformerEncoderLayer(768, 12, 3072, batch_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).eval()
    batch = torch.randn(_TRANSFORMER_ROWS, _TOKENS, 768)
    with torch.inference_mode():
        row_s = min(_processor_s(lambda: encoder(batch)) for _ in range(3)) / _TRANSFORMER_ROWS
    text = f"{1 / row_s:.2f} requests/s on one core; scoring is {rows_per_s * row_s:,.0f} times as fast"
    yield "transformer of DistilBERT's size, 512 tokens", text


def _warm_ms(requests: pd.DataFrame, model: Scorer, evidence: bool, precedents: int) -> float:
    """Return the median time of a single request, given as a mapping."""
    rows = requests.tail(_WARM + 1).to_dict("records")
    runs = [lambda row=row: model.score(row, evidence=evidence, precedents=precedents) for row in rows]
    return 1e3 * statistics.median([_elapsed_s(run) for run in runs][1:])


def _cold_s(row: pd.DataFrame, model_folder: Path) -> float:
    with tempfile.TemporaryDirectory() as place:
        source, output = Path(place) / "one.parquet", Path(place) / "out.parquet"
        write_requests(row, source)
        return statistics.median(_score_file(source, output, model_folder).elapsed_s for _ in range(3))


def _score_file(source: Path, output: Path, model_folder: Path) -> Usage:
    arguments = ["score", source, "--output", output, "--model", model_folder, "--no-evidence", "--precedents", "0"]
    return watch([COMMAND, *arguments])


def _processor_s(run: Callable[[], object]) -> float:
    start_s = time.process_time()
    run()
    return time.process_time() - start_s


def _elapsed_s(run: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    run()
    return time.perf_counter() - start_s


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    folder, row_counts = Path(sys.argv[1]), [int(size.replace(",", "")) for size in sys.argv[2:]]
    for row in [] if row_counts else measure(folder):
        print(*row, sep=": ", flush=True)
    for row in measure_sizes(folder, row_counts or (1_000, 10_000, 100_000)):
        print(*row, sep=": ", flush=True)
