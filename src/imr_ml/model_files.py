"""Save and load a trained model's folder: skops files, JSON facts, checksums and manifest.

Nothing is unpickled; a folder whose checksums do not match, or that names a type outside of our own short list, is
refused.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.errors import ImrError
from imr_ml.files import explain_storage_errors, sha256_of
from imr_ml.guidelines.types import FAMILIES

if TYPE_CHECKING:
    from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets
    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.ingest.manifest import TableManifest
    from imr_ml.nlp.types import NlpSettings
    from imr_ml.precedents.cohorts import Cohorts
    from imr_ml.precedents.neighbours import Neighbours
    from imr_ml.profiles.profile import Profile
    from imr_ml.training import TrainedModel

CLASSIFIERS = "model.skops"
PRECEDENTS = "precedents.skops"
FACTS = "model.json"
CHECKSUMS = "SHA256SUMS"
REFERENCE = "reference.npz"
MANIFEST = "data.manifest.json"
"""What the table was made of that the model was trained on; a model trained on a table in memory has none."""
_CHECKED = (CLASSIFIERS, PRECEDENTS, FACTS)
FORMAT = 3
_WITHOUT_REFERENCE = 2
_LIBRARIES = ("imr-ml", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "scipy", "skops")
_OURS = (
    "arranged.ArrangedFamilyClassifier",
    "arranged.Chain",
    "arranged.Hierarchical",
    "arranged.PerFamily",
    "binary.BoostedTrees",
    "binary.NaiveBayes",
    "binary.NaiveBayesSvm",
    "binary.SimilarityVote",
    "binary.Stacked",
    "calibrated.CalibratedClassifier",
    "families.GuidelineFamilyClassifier",
    "outcome.CalibratedLogisticClassifier",
)
TRUSTED = frozenset(
    {
        "numpy.dtype",
        *(f"imr_ml.classifiers.{name}" for name in _OURS),
        "imr_ml.features.matrix.FactPairs",
        "imr_ml.features.matrix.FactVectorizer",
        "imr_ml.features.matrix.TermVectorizer",
        "scipy.sparse._csc.csc_matrix",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.compose._column_transformer._RemainderColsList",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.utils._bunch.Bunch",
    }
)
"""Types that a model file may name besides those that skops itself trusts."""


class ModelError(ImrError):
    """A model folder that can't be used; the message says which, why and what to do."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready to score with.

    Attributes
    ----------
    model : RequestModel
    nlp : NlpSettings
        How the requests it was trained on were read.
    held_out : HeldOutScores
        What prediction sets of any coverage are made of.
    neighbours : Neighbours
    cohorts : Cohorts
    reference : Profile or None
        What the requests it was trained on are like; None of a model of format 2, which kept none.
    version : str
        First 12 digits of the classifiers' SHA-256.
    facts : dict
        Content of ``model.json``.
    folder : Path
        Where it was read from.
    """

    model: RequestModel
    nlp: NlpSettings
    held_out: HeldOutScores
    neighbours: Neighbours
    cohorts: Cohorts
    reference: Profile | None
    version: str
    facts: dict[str, Any]
    folder: Path

    @property
    def is_sample(self) -> bool:
        """Whether it was trained on the sample corpus, so that its scores mean nothing for real requests."""
        return bool(self.facts["data"]["source"] == "sample")

    def sets(self, coverage: float | None = None) -> OutcomeSets:
        """Prediction sets at a coverage between 0 and 1; at the one it was trained for where none is given."""
        return self.held_out.sets(self.facts["settings"]["coverage"] if coverage is None else coverage)


def save_model(
    trained: TrainedModel, folder: Path, commit: str | None = None, manifest: TableManifest | None = None
) -> Path:
    """Write the model's folder, whole or not at all; a folder already there is replaced by the finished one.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
    commit : str, optional
        Git commit of the code.
    manifest : TableManifest, optional
        Of the table that it was trained on.

    Raises
    ------
    StorageError
        If the folder's disk is full or can't be written to.
    """
    with explain_storage_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            made.chmod(0o755)
            _write_files(trained, made, commit, manifest)
            _put_in_place(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return folder


def _write_files(trained: TrainedModel, folder: Path, commit: str | None, manifest: TableManifest | None) -> None:
    import numpy as np
    import skops.io

    skops.io.dump(_kept_classifiers(trained), folder / CLASSIFIERS, compression=zipfile.ZIP_DEFLATED)
    skops.io.dump(trained.neighbours.arrays(), folder / PRECEDENTS, compression=zipfile.ZIP_DEFLATED)
    np.savez_compressed(folder / REFERENCE, allow_pickle=False, **trained.reference.arrays())
    facts = json.dumps(_facts(trained, commit), indent=2, allow_nan=False, default=str)
    (folder / FACTS).write_text(facts + "\n", encoding="utf-8")
    if manifest is not None:
        from imr_ml.ingest.manifest import write_manifest

        write_manifest(manifest, folder / MANIFEST)
    checked = (*_CHECKED, REFERENCE, *([MANIFEST] if manifest is not None else []))
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in checked]
    (folder / CHECKSUMS).write_text("".join(sums), encoding="utf-8")


def read_model(folder: Path) -> LoadedModel:
    """Read a model's folder.

    Raises
    ------
    ModelError
        Where a file is missing, a checksum does not match, the format is another one or a type is not ours.
    """
    from imr_ml.classifiers.conformal import HeldOutScores
    from imr_ml.nlp.types import NlpSettings
    from imr_ml.precedents.cohorts import Cohorts
    from imr_ml.precedents.neighbours import Neighbours

    sums = _verified(folder, _CHECKED)
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    if facts["format"] not in (FORMAT, _WITHOUT_REFERENCE):
        raise ModelError(f"{folder}: is a model of format {facts['format']}, this is {FORMAT}; train again")
    kept = _read(folder, CLASSIFIERS)
    model = _request_model(facts, kept)
    neighbours = Neighbours.from_arrays(_read(folder, PRECEDENTS), model.outcome_column_weights)
    return LoadedModel(
        model=model,
        nlp=NlpSettings(**facts["settings"]["nlp"]),
        held_out=HeldOutScores.from_arrays(kept["held_out"]),
        neighbours=neighbours,
        cohorts=Cohorts(neighbours.decided),
        reference=None if facts["format"] == _WITHOUT_REFERENCE else _reference(folder),
        version=sums[CLASSIFIERS][:12],
        facts=facts,
        folder=folder,
    )


def _kept_classifiers(trained: TrainedModel) -> dict[str, Any]:
    model = trained.model
    return {
        "features": model.features_,
        "outcome": model.outcome_.classifier,
        "families": model.families_.classifier if model.families_ else None,
        "held_out": trained.held_out.arrays(),
    }


def _request_model(facts: dict[str, Any], kept: dict[str, Any]) -> RequestModel:
    from imr_ml.classifiers.request_model import Chosen, RequestModel
    from imr_ml.classifiers.settings import settings_of

    chosen = facts["chosen"]
    model = RequestModel(settings_of(facts["settings"]["model"]))
    model.features_ = kept["features"]
    model.outcome_ = Chosen(model.settings.outcome[chosen["outcome"]], kept["outcome"], chosen["half_life_years"])
    if chosen["family"] is None:
        model.families_ = None
    else:
        model.families_ = Chosen(model.settings.family[chosen["family"]], kept["families"])
    return model


def _facts(trained: TrainedModel, commit: str | None) -> dict[str, Any]:
    families = trained.model.families_
    return {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": commit,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "families": list(FAMILIES),
        "data": asdict(trained.data),
        "settings": asdict(trained.settings),
        "chosen": {
            "outcome": trained.settings.model.outcome.index(trained.model.outcome_.candidate),
            "half_life_years": trained.model.outcome_.half_life_years,
            "family": None if families is None else trained.settings.model.family.index(families.candidate),
        },
        "coverage": trained.coverage,
        "metrics": {
            predictor: {metric: asdict(estimate) for metric, estimate in estimates.items()}
            for predictor, estimates in trained.evaluation.estimates.items()
        },
    }


def _put_in_place(made: Path, folder: Path) -> None:
    replaced = made.with_name(f"{made.name}.replaced")
    if folder.exists():
        folder.rename(replaced)
    made.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _verified(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Checksums by file name, those of `names` compared with their files."""
    for name in (*names, CHECKSUMS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: holds no model ({name} is missing); train one with 'make train'")
    lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in names:
        if sums.get(name) != sha256_of(folder / name):
            raise ModelError(
                f"{folder}: {name} does not match its checksum; the model was damaged or changed, train again"
            )
    return sums


def _read(folder: Path, name: str) -> dict[str, Any]:
    """What one of the folder's skops files holds."""
    import skops.io

    strange = set(skops.io.get_untrusted_types(file=folder / name)) - TRUSTED
    if strange:
        raise ModelError(f"{folder}: names types that are not ours ({', '.join(sorted(strange))}); not loaded")
    kept: dict[str, Any] = skops.io.load(folder / name, trusted=sorted(TRUSTED))
    return kept


def _reference(folder: Path) -> Profile:
    import numpy as np

    from imr_ml.profiles.profile import Profile

    _verified(folder, (REFERENCE,))
    try:
        with np.load(folder / REFERENCE, allow_pickle=False) as kept:
            return Profile.from_arrays(kept)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{folder}: {REFERENCE} can't be read ({type(error).__name__}); train again") from error
