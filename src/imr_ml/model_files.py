"""A trained model as a folder: classifiers by skops, everything said of them as JSON, checksums over both.

Knows the folder's files. Nothing is unpickled; a folder whose checksums do not match, or that names a type
outside of our own short list, is refused.
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
from imr_ml.files import sha256_of
from imr_ml.guidelines import FAMILIES

if TYPE_CHECKING:
    from imr_ml.classifiers import ModelSettings, OutcomeSets, RequestModel
    from imr_ml.nlp import NlpSettings
    from imr_ml.training import TrainedModel

CLASSIFIERS = "model.skops"
FACTS = "model.json"
CHECKSUMS = "SHA256SUMS"
FORMAT = 1
_LIBRARIES = ("imr-ml", "scikit-learn", "spacy", "negspacy", "numpy", "pandas", "skops")
_TRUSTED = frozenset(
    {
        "numpy.dtype",
        "imr_ml.classifiers.families.GuidelineFamilyClassifier",
        "imr_ml.classifiers.outcome.CalibratedLogisticClassifier",
        "imr_ml.features.FactVectorizer",
        "imr_ml.features.TermVectorizer",
        "sklearn.compose._column_transformer._RemainderColsList",
    }
)


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
    outcome_sets : OutcomeSets
    version : str
        First 12 digits of the classifiers' SHA-256.
    facts : dict
        Content of ``model.json``.
    """

    model: RequestModel
    nlp: NlpSettings
    outcome_sets: OutcomeSets
    version: str
    facts: dict[str, Any]


def save_model(trained: TrainedModel, folder: Path, commit: str | None = None) -> Path:
    """Write the model's folder, whole or not at all; a folder already there is replaced by the finished one.

    Parameters
    ----------
    trained : TrainedModel
    folder : Path
    commit : str, optional
        Git commit of the code.
    """
    import skops.io

    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        made.chmod(0o755)
        model = trained.model
        classifiers = {
            "features": model.features_,
            "outcome": model.outcome_.classifier,
            "families": model.families_.classifier,
        }
        skops.io.dump(classifiers, made / CLASSIFIERS, compression=zipfile.ZIP_DEFLATED)
        facts = json.dumps(_facts(trained, commit), indent=2, allow_nan=False, default=str)
        (made / FACTS).write_text(facts + "\n", encoding="utf-8")
        sums = [f"{sha256_of(made / name)}  {name}\n" for name in (CLASSIFIERS, FACTS)]
        (made / CHECKSUMS).write_text("".join(sums), encoding="utf-8")
        _put_in_place(made, folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def load_model(folder: Path) -> LoadedModel:
    """Read a model's folder.

    Raises
    ------
    ModelError
        Where a file is missing, a checksum does not match, the format is another one or a type is not ours.
    """
    from imr_ml.classifiers import Chosen, OutcomeSets, RequestModel
    from imr_ml.nlp import NlpSettings

    sums = _verified(folder)
    facts = json.loads((folder / FACTS).read_text("utf-8"))
    if facts["format"] != FORMAT:
        raise ModelError(f"{folder}: is a model of format {facts['format']}, this is {FORMAT}; train again")
    settings, chosen = facts["settings"], facts["chosen"]
    model, classifiers = RequestModel(_model_settings(settings["model"])), _classifiers(folder)
    model.features_ = classifiers["features"]
    model.outcome_ = Chosen(model.settings.outcome[chosen["outcome"]], classifiers["outcome"])
    model.families_ = Chosen(model.settings.family[chosen["family"]], classifiers["families"])
    sets = facts["outcome_sets"]
    return LoadedModel(
        model=model,
        nlp=NlpSettings(**settings["nlp"]),
        outcome_sets=OutcomeSets(**{name: float(value) for name, value in sets.items()}),
        version=sums[CLASSIFIERS][:12],
        facts=facts,
    )


def _facts(trained: TrainedModel, commit: str | None) -> dict[str, Any]:
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
            "family": trained.settings.model.family.index(trained.model.families_.candidate),
        },
        # As text, because a threshold that no number of cases supports is infinite and JSON has no infinity.
        "outcome_sets": {name: str(value) for name, value in asdict(trained.outcome_sets).items()},
        "coverage": trained.coverage,
        "metrics": {
            predictor: {metric: asdict(estimate) for metric, estimate in estimates.items()}
            for predictor, estimates in trained.evaluation.estimates.items()
        },
    }


def _model_settings(told: dict[str, Any]) -> ModelSettings:
    from imr_ml.classifiers import Candidate, ModelSettings
    from imr_ml.features import BlockWeights, TermSettings

    def candidates(each: list[dict[str, Any]]) -> tuple[Candidate, ...]:
        weights = [one["weights"] | {"facts_used": tuple(one["weights"]["facts_used"])} for one in each]
        return tuple(Candidate(BlockWeights(**one), told["C"]) for one, told in zip(weights, each, strict=True))

    return ModelSettings(
        outcome=candidates(told["outcome"]),
        family=candidates(told["family"]),
        terms=TermSettings(**told["terms"]),
        seed=told["seed"],
    )


def _put_in_place(made: Path, folder: Path) -> None:
    replaced = made.with_name(f"{made.name}.replaced")
    if folder.exists():
        folder.rename(replaced)
    made.rename(folder)
    shutil.rmtree(replaced, ignore_errors=True)


def _verified(folder: Path) -> dict[str, str]:
    """Checksums by file name, each compared with its file."""
    for name in (CLASSIFIERS, FACTS, CHECKSUMS):
        if not (folder / name).is_file():
            raise ModelError(f"{folder}: holds no model ({name} is missing); train one with 'make train'")
    lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (CLASSIFIERS, FACTS):
        if sums.get(name) != sha256_of(folder / name):
            raise ModelError(
                f"{folder}: {name} does not match its checksum; the model was damaged or changed, train again"
            )
    return sums


def _classifiers(folder: Path) -> dict[str, Any]:
    import skops.io

    path = folder / CLASSIFIERS
    strange = set(skops.io.get_untrusted_types(file=path)) - _TRUSTED
    if strange:
        raise ModelError(f"{folder}: names types that are not ours ({', '.join(sorted(strange))}); not loaded")
    classifiers: dict[str, Any] = skops.io.load(path, trusted=sorted(_TRUSTED))
    return classifiers
