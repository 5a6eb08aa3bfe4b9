"""Reads and writes YAML 1.2, as DVC does: `3e-05` is a number and `yes` is a string.

PyYAML implements YAML 1.1, so this module replaces its rules for plain scalars.
"""

import re
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

TAG = "tag:yaml.org,2002:"
WORDS = {  # from types to patterns and their possible first characters
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+|0o[0-7]+", "-+0123456789"),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "merge": (r"<<", "<"),
}


class SafeLoader(yaml.CSafeLoader):
    """PyYAML's safe loader with YAML 1.2 scalars; it rejects what DVC's parser rejects."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  (add_implicit_resolver fills it)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Reject duplicate keys, and unquoted colons in values, as in `{source: local:mine}`."""
        seen = set()
        for key, value in node.value:
            if str(key.value) in seen:
                problem = f'found duplicate key "{key.value}"'
                raise ConstructorError(None, None, problem, key.start_mark)
            seen.add(str(key.value))
            is_bare = isinstance(value, yaml.ScalarNode) and not value.style
            if node.flow_style and is_bare and ":" in value.value:
                problem = f"DVC cannot read {value.value} without quotation marks around it"
                raise ConstructorError(None, None, problem, value.start_mark)
        return super().construct_mapping(node, deep)


class Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper; it quotes strings that YAML 1.1 or 1.2 would read as another type."""


for _kind, (_pattern, _first) in WORDS.items():
    for _of_yaml in (SafeLoader, Dumper):
        _of_yaml.add_implicit_resolver(TAG + _kind, re.compile(rf"(?:{_pattern})\Z"), _first)
# DVC's parser also reads -_1 and -0o7 as integers, and ._1 as a float
_ODD_NUMBER = r"[-+]?(?:_[0-9_]*|0o[0-7_]+|\.[0-9_]+(?:[eE][-+][0-9]+)?)\Z"
Dumper.add_implicit_resolver(TAG + "int", re.compile(_ODD_NUMBER), "-+0.")


def parse_yaml(text: str) -> Any:
    """Parse YAML text into plain Python values.

    Raises:
        ValueError: the text is not YAML; the message has the line, column and problem.
    """
    try:
        return SafeLoader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(f"{place}{error.problem}") from None
    # a tag that does not match its value, as in `!!int x`, can raise any error
    except Exception as error:  # noqa: BLE001
        raise ValueError(" ".join(str(error).split())) from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file into plain Python values.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file is not YAML.
    """
    return parse_yaml(path.read_text(encoding="utf-8"))


def as_yaml(value: Any) -> str:
    """Format plain Python values as YAML, with keys in their original order."""
    return str(yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=200))


def on_one_line(value: Any) -> str:
    """Format plain Python values as YAML on one line."""
    dumped = yaml.dump(value, Dumper=Dumper, sort_keys=False, default_flow_style=True, width=10**6)
    return str(dumped).rstrip()
