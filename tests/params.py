"""The committed params.yaml: as params, and as plain values with one of them changed."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from pipeline.core.yaml12 import read_yaml
from pipeline.plumbing.params import load_params

ROOT = Path(__file__).parents[1]
PARAMS = load_params(ROOT / "params.yaml")
RAW: dict[str, Any] = read_yaml(ROOT / "params.yaml")


def keys_of(raw: Any, above: str = "") -> Iterator[str]:
    """Yield the dotted path of every key."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield f"{above}{key}"
            yield from keys_of(value, f"{above}{key}.")


def value_at(raw: Any, key: str) -> Any:
    """Return the value at a dotted path; everything for the empty path."""
    for part in filter(None, key.split(".")):
        raw = raw[part]
    return raw


def with_value(key: str, value: object) -> dict[str, Any]:
    """Return a copy of params.yaml with a new value or a new key at a dotted path."""
    raw = deepcopy(RAW)
    above, _, last = key.rpartition(".")
    value_at(raw, above)[last] = value
    return raw
