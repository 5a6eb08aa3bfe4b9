"""files, whatever is written: it comes back, and the same content makes the same bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.files import read_json, write_json, write_text

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
# JSON can name half a surrogate pair, as it comes out of a broken text
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def reversed_keys(value: Any) -> Any:
    """Return the same value with its keys in the opposite order."""
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(each) for each in value] if isinstance(value, list) else value


@given(JSON)
def test_json_comes_back_and_the_order_of_keys_does_not_matter(value: Any) -> None:
    with TemporaryDirectory() as folder:
        one, other = Path(folder) / "one.json", Path(folder) / "other.json"
        write_json(one, value)
        write_json(other, reversed_keys(value))
        assert repr(read_json(one)) == repr(read_json(other))  # tells 1 from 1.0 and True
        assert read_json(one) == value
        assert one.read_bytes() == other.read_bytes()
        assert [path.name for path in sorted(Path(folder).iterdir())] == ["one.json", "other.json"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_text_is_written_as_its_bytes_and_nothing_else(text: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.txt"
        write_text(path, text)
        assert path.read_bytes() == text.encode()
