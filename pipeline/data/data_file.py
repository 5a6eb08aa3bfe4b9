"""Tables and word lists that stand in YAML files beside the modules that need them."""

from pathlib import Path
from typing import Any

from pipeline.core.yaml12 import read_yaml


def data_file(name: str, module: str) -> Any:
    """Return what a YAML file holds that is in the folder of a module, given its `__file__`."""
    return read_yaml(Path(module).with_name(name))
