"""Shared schema classes and readers of the generator's TOML files."""

import tomllib
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
Words = Annotated[tuple[str, ...], Field(min_length=1)]


class Strict(BaseModel):
    """Base of everything read from the package's TOML: no unknown key, no change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_toml(name: str) -> dict[str, Any]:
    """Read one of the TOML files that stand beside this module."""
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))
