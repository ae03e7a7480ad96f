"""Save and load model folders: skops files, JSON facts, checksums and manifest.

Loading never unpickles. It refuses folders with wrong checksums or types that are not trusted.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imr_ml.errors import ModelError as ModelError
from imr_ml.files import explain_storage_errors, sha256_of
from imr_ml.guidelines.types import FAMILIES
from imr_ml.memory import paused_garbage_collection
from imr_ml.skops_files import import_skops_quickly, read_skops, write_skops

if TYPE_CHECKING:
    from imr_ml.classifiers.conformal import HeldOutScores, OutcomeSets
    from imr_ml.classifiers.request_model import RequestModel
    from imr_ml.ingest.manifest import TableManifest
    from imr_ml.nlp.types import NlpSettings
    from imr_ml.precedents.cohorts import Cohorts
    from imr_ml.precedents.neighbours import Neighbours
    from imr_ml.profiles import Profile
    from imr_ml.training import TrainedModel

CLASSIFIERS = "model.skops"
PRECEDENTS = "precedents.skops"
FACTS = "model.json"
CHECKSUMS = "SHA256SUMS"
REFERENCE = "reference.npz"
MANIFEST = "data.manifest.json"
"""Manifest of the training table; models trained on a table in memory have none."""
_CHECKED = (CLASSIFIERS, PRECEDENTS, FACTS)
FORMAT = 4
_WITHOUT_REFERENCE = 2
_LIBRARIES = ("imr-ml", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "scipy", "skops")


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model for scoring.

    Attributes
    ----------
    model : RequestModel
    nlp : NlpSettings
    held_out : HeldOutScores
        Out-of-fold scores for prediction sets of any coverage.
    default_sets : OutcomeSets
        Prediction sets at the coverage in the settings.
    neighbours : Neighbours
    cohorts : Cohorts
    reference : Profile or None
        Profile of the training data; None for format 2.
    version : str
        First 12 digits of the classifiers' SHA-256.
    facts : dict
        Content of ``model.json``.
    folder : Path
    """

    model: RequestModel
    nlp: NlpSettings
    held_out: HeldOutScores
    default_sets: OutcomeSets
    neighbours: Neighbours
    cohorts: Cohorts
    reference: Profile | None
    version: str
    facts: dict[str, Any]
    folder: Path

    @property
    def is_sample(self) -> bool:
        """Whether the training data are synthetic, which makes scores of real requests meaningless."""
        return bool(self.facts["data"]["source"] == "sample")

    def sets(self, coverage: float | None = None) -> OutcomeSets:
        """Return prediction sets at a coverage between 0 and 1; default: the coverage in the settings."""
        return self.default_sets if coverage is None else self.held_out.sets(coverage)


def save_model(
    trained: TrainedModel, folder: Path, commit: str | None = None, manifest: TableManifest | None = None
) -> Path:
    """Write the model's folder atomically, replacing an existing one.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
    commit : str, optional
        Git commit of the code.
    manifest : TableManifest, optional
        Manifest of the training table.

    Raises
    ------
    StorageError
        If the folder's disk is full or can't be written to.
    """
    with explain_storage_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            temporary.chmod(0o755)
            _write_files(trained, temporary, commit, manifest)
            replaced = temporary.with_name(f"{temporary.name}.replaced")
            if folder.exists():
                folder.rename(replaced)
            temporary.rename(folder)
            shutil.rmtree(replaced, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _write_files(trained: TrainedModel, folder: Path, commit: str | None, manifest: TableManifest | None) -> None:
    import numpy as np

    write_skops(_classifiers(trained), folder / CLASSIFIERS)
    write_skops(trained.neighbours.arrays(), folder / PRECEDENTS)
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
        If a file is missing, or its checksum, format or types are wrong.
    """
    from imr_ml.classifiers.conformal import HeldOutScores
    from imr_ml.nlp.types import NlpSettings
    from imr_ml.precedents.cohorts import Cohorts
    from imr_ml.precedents.neighbours import Neighbours

    sums = _verify(folder, _CHECKED)
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    if facts["format"] not in range(_WITHOUT_REFERENCE, FORMAT + 1):
        raise ModelError(
            f"{folder}: has model format {facts['format']}, but this version reads up to {FORMAT}; train again"
        )
    classifiers = read_skops(folder / CLASSIFIERS)
    model = _request_model(facts, classifiers)
    held_out = HeldOutScores.from_arrays(classifiers["held_out"])
    neighbours = Neighbours.from_arrays(read_skops(folder / PRECEDENTS), model.outcome_column_weights)
    return LoadedModel(
        model=model,
        nlp=NlpSettings(**facts["settings"]["nlp"]),
        held_out=held_out,
        default_sets=held_out.sets(facts["settings"]["coverage"]),
        neighbours=neighbours,
        cohorts=Cohorts(neighbours.decided),
        reference=None if facts["format"] == _WITHOUT_REFERENCE else _read_reference(folder),
        version=sums[CLASSIFIERS][:12],
        facts=facts,
        folder=folder,
    )


def read_model_for_command(folder: Path) -> LoadedModel:
    """`read_model` for a process that runs only a command of ours: faster, and what it loads stays loaded."""
    with paused_garbage_collection():
        import_skops_quickly()
        return read_model(folder)


def _classifiers(trained: TrainedModel) -> dict[str, Any]:
    model = trained.model
    return {
        "features": model.features_,
        "outcome": model.outcome_.classifier,
        "families": model.families_.classifier if model.families_ else None,
        "held_out": trained.held_out.arrays(),
        "baseline": model.baseline_.arrays() if model.baseline_ else None,
    }


def _request_model(facts: dict[str, Any], classifiers: dict[str, Any]) -> RequestModel:
    from imr_ml.classifiers.reliability import Baseline
    from imr_ml.classifiers.request_model import Chosen, RequestModel
    from imr_ml.classifiers.settings import settings_of
    from imr_ml.features.matrix import FeatureBlocks

    chosen = facts["chosen"]
    model = RequestModel(settings_of(facts["settings"]["model"]))
    features = classifiers["features"]
    model.features_ = features if isinstance(features, FeatureBlocks) else FeatureBlocks.from_transformer(features)
    model.outcome_ = Chosen(
        model.settings.outcome[chosen["outcome"]], classifiers["outcome"], chosen["half_life_years"]
    )
    if chosen["family"] is None:
        model.families_ = None
    else:
        model.families_ = Chosen(model.settings.family[chosen["family"]], classifiers["families"])
    if (arrays := classifiers.get("baseline")) is not None:
        model.baseline_ = Baseline.from_arrays(arrays)
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


def _verify(folder: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Read the checksums by file name, and verify those of `names`."""
    for name in (*names, CHECKSUMS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: contains no model ({name} is missing); train one with 'imr-ml train'")
    lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in names:
        if sums.get(name) != sha256_of(folder / name):
            raise ModelError(
                f"{folder}: {name} does not match its checksum; the model was damaged or changed, train again"
            )
    return sums


def _read_reference(folder: Path) -> Profile:
    import numpy as np

    from imr_ml.profiles import Profile

    _verify(folder, (REFERENCE,))
    try:
        with np.load(folder / REFERENCE, allow_pickle=False) as arrays:
            return Profile.from_arrays(arrays)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{folder}: {REFERENCE} can't be read ({type(error).__name__}); train again") from error
