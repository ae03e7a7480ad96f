"""Write an experiment as TOML."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any


def to_toml(values: Mapping[str, Any]) -> str:
    """An experiment file with these values; see `Experiment.values`."""
    stated = {name: value for name, value in values.items() if name != "description" or value}
    return "\n".join(_lines(stated)).strip() + "\n"


def format_value(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else "inf"
    if isinstance(value, list):
        return f"[{', '.join(map(format_value, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _lines(table: Mapping[str, Any], name: str = "") -> Iterator[str]:
    tables = {key: value for key, value in table.items() if isinstance(value, dict)}
    lists = {key: value for key, value in table.items() if _is_tables(value)}
    for key, value in table.items():
        if key not in tables and key not in lists:
            yield f"{key} = {format_value(value)}"
    for key, value in tables.items():
        yield from ("", f"[{name}{key}]", *_lines(value, f"{name}{key}."))
    for key, values in lists.items():
        for value in values:
            yield from ("", f"[[{name}{key}]]", *_lines(value, f"{name}{key}."))


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
