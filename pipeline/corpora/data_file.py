"""Tables and word lists of the corpora: the YAML files beside this module."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def data_file(name: str) -> Any:
    """Return what a YAML file of this folder holds."""
    return YAML(typ="safe").load(Path(__file__).with_name(name))
