"""Data type of a profile, and its arrays on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 10_000
"""Requests that a profile holds; more would tell little more."""
_NUMBER, _LABEL, _LEVELS = "number.", "label.", ".levels"


@dataclass(frozen=True, slots=True)
class Profile:
    """Characteristics of requests.

    Attributes
    ----------
    case : (rows,) int
        Counted from 0; requests of one case share a number.
    numbers : dict of (rows,) float32
        By characteristic; NaN where not known.
    labels : dict of (rows,) str
        By characteristic.
    drawn_from : int
        Requests that these rows were drawn from.
    """

    case: NDArray[np.int32]
    numbers: dict[str, NDArray[np.float32]]
    labels: dict[str, NDArray[np.str_]]
    drawn_from: int

    def __len__(self) -> int:
        return len(self.case)

    @property
    def cases(self) -> int:
        """How many cases the rows are of."""
        return int(self.case.max()) + 1 if len(self) else 0

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """The same as plain arrays by name."""
        kept: dict[str, NDArray[np.generic]] = {"case": self.case, "drawn_from": np.array(self.drawn_from)}
        kept |= {f"{_NUMBER}{name}": values for name, values in self.numbers.items()}
        for name, values in self.labels.items():
            levels, places = np.unique(values, return_inverse=True)
            kept |= {f"{_LABEL}{name}{_LEVELS}": levels, f"{_LABEL}{name}": places.astype(np.int16)}
        return kept

    @classmethod
    def from_arrays(cls, kept: Mapping[str, NDArray[np.generic]]) -> Self:
        """What `arrays` gave."""
        coded = [name for name in kept if name.startswith(_LABEL) and not name.endswith(_LEVELS)]
        return cls(
            case=np.asarray(kept["case"], dtype=np.int32),
            numbers={
                name.removeprefix(_NUMBER): np.asarray(kept[name], dtype=np.float32)
                for name in kept
                if name.startswith(_NUMBER)
            },
            labels={
                name.removeprefix(_LABEL): np.asarray(kept[f"{name}{_LEVELS}"], dtype=np.str_)[
                    np.asarray(kept[name], dtype=np.int16)
                ]
                for name in coded
            },
            drawn_from=int(np.asarray(kept["drawn_from"], dtype=np.int64)),
        )


def joined(parts: Sequence[Profile], drawn_from: int) -> Profile:
    """Rows of several profiles with the same characteristics, whose cases are numbered alike."""
    first = parts[0]
    return Profile(
        case=np.concatenate([part.case for part in parts]),
        numbers={name: np.concatenate([part.numbers[name] for part in parts]) for name in first.numbers},
        labels={name: np.concatenate([part.labels[name] for part in parts]) for name in first.labels},
        drawn_from=drawn_from,
    )
