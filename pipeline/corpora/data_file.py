"""Tables and word lists of the corpora: the YAML files beside this module."""

from pathlib import Path
from typing import Any

from pipeline.yaml12 import read_yaml


def data_file(name: str) -> Any:
    """Return what a YAML file of this folder holds."""
    return read_yaml(Path(__file__).with_name(name))
