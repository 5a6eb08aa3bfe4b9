"""A mistake in any key of params.yaml gives a ParamsError that names it, never a traceback.

Everybody makes mistakes in params.yaml.
"""

import datetime as dt
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA
from pipeline.errors import ParamsError
from pipeline.plumbing.params import Params, checked, load_params
from tests.params import RAW, keys_of, value_at, with_value

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
KEYS = list(keys_of(RAW))
# their keys are the user's own names, so each of them may be missing
NAMED = ("profiles", "runs", "configurations")


def refusal_of(raw: dict[str, Any]) -> list[str]:
    with pytest.raises(ParamsError) as refused:
        checked(Params, raw, "params.yaml")
    return str(refused.value).splitlines()[1:]


def test_a_missing_key_is_named() -> None:
    for key in KEYS:
        above, _, last = key.rpartition(".")
        if above in NAMED or above.endswith("batch_size"):
            continue
        raw = deepcopy(RAW)
        del value_at(raw, above)[last]
        (message,) = refusal_of(raw)
        if last in ("pair_encoding", "idle_heads"):
            assert message.startswith(f"  {key}: missing")
        elif last in CORPORA:
            assert message == f"  {above.removesuffix('.sizes')}: sizes are missing for: {last}"
        elif last == "source":
            assert message.startswith(f"  {above}: source must be synthetic, cs224n or local:")
        else:
            assert message == f"  {key}: Field required"


@pytest.mark.parametrize("unknown", ["lerning_rate", "cs224n", "1"])
def test_an_unknown_key_is_named(unknown: str) -> None:
    for above in ("", *KEYS):
        is_open = above in NAMED or above.endswith(("batch_size", "sizes"))
        if isinstance(value_at(RAW, above), dict) and not is_open:
            key = f"{above}.{unknown}".removeprefix(".")
            assert f"  {key}: unknown key" in refusal_of(with_value(key, 1))


# values of every YAML type, none of which is converted to another type
VALUES: list[Any] = [
    *(None, True, 7, 10**400, 0.5, "word", b"bytes", dt.date(2001, 1, 1)),
    *([], [1], {}, {"a": 1}, {1, 2}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_of_a_wrong_type_is_named_by_its_key(value: Any) -> None:
    for key in KEYS:
        above, _, last = key.rpartition(".")
        raw = with_value(key, value)
        if type(value) is type(value_at(RAW, key)) or last == "every_seconds":  # 7 s are fine
            with suppress(ParamsError):  # valid or not; no other exception is allowed
                checked(Params, raw, "params.yaml")
        else:  # the source decides which keys exist, so the error names the section
            named = f"  {above if last == 'source' else key}"
            assert any(line.startswith(named) for line in refusal_of(raw)), key


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("params") / "params.yaml"


# typing errors, and texts with a special meaning in YAML
WRITTEN = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.from_regex(
    r"[-+]?[0-9_.:oxe+-]{1,10}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|!!(int|float|bool|null|binary|set) x",
    fullmatch=True,
)


@given(old=st.sampled_from(["seed: 11711", "profile: demo", "0.999", "{sst: 64}"]), written=WRITTEN)
def test_any_value_is_accepted_or_rejected_without_a_crash(
    path: Path, old: str, written: str
) -> None:
    assert old in TEXT
    key = old.partition(":")[0] + ": " if old[0].isalpha() else ""
    path.write_text(TEXT.replace(old, key + written, 1), encoding="utf-8")
    with suppress(ParamsError):
        load_params(path)


@given(text=st.text(st.characters(exclude_categories=["Cs"])) | WRITTEN)
def test_any_text_is_rejected(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError):
        load_params(path)
