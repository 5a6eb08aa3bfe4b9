"""parse_yaml and as_yaml: the same values as DVC's own parser, or an error."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline.core.yaml12 import as_yaml, parse_yaml

WORDS = st.from_regex(
    r"[-+]?[0-9_.oxe+-]{1,8}|(yes|no|on|off|true|True|null|~|<<|\.inf|-\.inf|\.nan|y|12:30)",
    fullmatch=True,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | st.text("ab:"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
)


@given(WORDS)
def test_a_bare_word_has_the_same_type_as_in_dvc_or_is_text(word: str) -> None:
    """load_params would reject text in place of a number, but not a different number."""
    try:
        dvcs = YAML(typ="safe").load(f"a: {word}")["a"]
    except Exception:  # noqa: BLE001  (ruamel raises what int() and float() do)
        return
    ours = parse_yaml(f"a: {word}")["a"]
    same = ours == dvcs and type(ours) is type(dvcs)
    assert same or ours == word or (math.isnan(ours) and math.isnan(dvcs))


@given(VALUES)
def test_written_yaml_can_be_read_back_here_and_by_dvc(value: Any) -> None:
    text = as_yaml({"a": value})
    assert parse_yaml(text) == YAML(typ="safe").load(text) == {"a": value}


def test_a_list_as_a_key_is_rejected_with_its_position() -> None:
    """tests/plumbing/test_params.py has the other mistakes."""
    with pytest.raises(ValueError, match="line 1, column 3: found unhashable key"):
        parse_yaml("? [a]\n: 1")
