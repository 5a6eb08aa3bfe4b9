"""load_params, whatever stands in the file: the very values, or a ParamsError that names the key.

A mistake in params.yaml is the one everybody makes; none may end in a traceback.
"""

import datetime as dt
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.tasks import CORPORA
from pipeline.core.yaml12 import as_yaml, parse_yaml
from pipeline.errors import ParamsError
from pipeline.plumbing.params import Params, load_params

GOOD_TEXT = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
GOOD: dict[str, Any] = parse_yaml(GOOD_TEXT)

Raw = dict[str, Any]
Keys = tuple[str, ...]

# "1e5", "null" and "2001-01-01" are names, and words of YAML; the last two are words of ours
NAMES = st.from_regex(r"[a-z0-9]{1,5}(-[a-z0-9]{1,3})?", fullmatch=True) | st.sampled_from(
    ["null", "true", "1e5", "0x1f", "0o7", "2001-01-01", "synthetic", "cs224n", "corpora"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
COUNTS = st.integers(1, 10**9)
RATES = st.floats(0, allow_infinity=False, exclude_min=True) | st.sampled_from([3e-05, 1e-3, 2.0])
FRACTIONS = st.floats(0, 1, exclude_max=True)
MODES = ("pretrain", "finetune")


def both_modes(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Raw]:
    return st.fixed_dictionaries({mode: values for mode in MODES})


SIZES = st.fixed_dictionaries({"train": COUNTS, "dev": COUNTS, "test": COUNTS})
SOURCES = st.fixed_dictionaries(
    {"source": st.just("synthetic"), "sizes": st.fixed_dictionaries(dict.fromkeys(CORPORA, SIZES))}
) | st.fixed_dictionaries(
    {"source": st.just("cs224n"), "quora_split": st.sampled_from(["carved", "published"])}
)
PROFILES = st.fixed_dictionaries(
    {
        "corpora": SOURCES,
        "backbone": st.just("all-MiniLM-L6-v2") | TEXTS.map("local:{}".format),
        "epochs": both_modes(COUNTS),
        "learning_rate_scale": both_modes(RATES),
    }
)
BARE_RUNS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(MODES),
        "learning_rate": RATES,
        "batch_size": st.dictionaries(st.sampled_from(list(CORPORA)), COUNTS, min_size=1).map(
            lambda sizes: {name: sizes[name] for name in CORPORA if name in sizes}
        ),
        "dropout": FRACTIONS,
    }
)


@st.composite
def read_runs(draw: st.DrawFn) -> Raw:
    """Return a run with the readings of the paper that it must choose, and no others."""
    run: Raw = draw(BARE_RUNS)
    if {"quora", "sts"} & set(run["batch_size"]):
        run["pair_encoding"] = draw(st.sampled_from(["joint", "separate"]))
    if len(run["batch_size"]) > 1:
        run["idle_heads"] = draw(st.sampled_from(["step", "skip"]))
    return run


RUNS = read_runs()


def shuffled(draw: st.DrawFn, raw: Raw) -> Raw:
    return dict(draw(st.permutations(list(raw.items()))))


@st.composite
def params(draw: st.DrawFn) -> Raw:
    """Return what a valid params.yaml may hold, its keys in any order."""
    raw = deepcopy(GOOD)
    profiles = draw(st.dictionaries(NAMES, PROFILES, min_size=1, max_size=3))
    runs = draw(st.dictionaries(NAMES, RUNS, min_size=1, max_size=3))
    rows = [{"run": name, "corpus": corpus} for name in runs for corpus in runs[name]["batch_size"]]
    raw["profiles"], raw["runs"] = profiles, runs
    raw["profile"] = draw(st.sampled_from(list(profiles)))
    raw["seed"] = draw(st.integers(0, 2**32 - 1))
    raw["tokens"]["max_length"] = draw(st.integers(6, 512))
    raw["optimizer"] = {
        "weight_decay": draw(FRACTIONS),
        "betas": [draw(FRACTIONS), draw(FRACTIONS)],
        "epsilon": draw(RATES),
    }
    raw["speed"]["forward"]["pack_tokens"] = draw(st.booleans())
    raw["evaluation"]["confidence"] = draw(st.floats(0.5, 1, exclude_min=True, exclude_max=True))
    raw["configurations"] = draw(
        st.dictionaries(NAMES, st.sampled_from(rows).map(dict), min_size=1, max_size=3)
    )
    return shuffled(draw, raw)


def loaded(text: str) -> Params:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "params.yaml"
        path.write_text(text, encoding="utf-8")
        return load_params(path)


def yaml_of(raw: Raw) -> str:
    return as_yaml(raw)


def refusal_of(raw: Raw) -> str:
    with pytest.raises(ParamsError) as refused:
        loaded(yaml_of(raw))
    return str(refused.value)


def places(raw: Any, above: Keys = ()) -> Iterator[Keys]:
    """Yield the path of every key."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield (*above, key)
            yield from places(value, (*above, key))


def is_named_by_the_user(keys: Keys) -> bool:
    """Say whether a key is a name of its user's, so that the rest may do without it."""
    return keys[:-1] in [("profiles",), ("runs",), ("configurations",)] or "batch_size" in keys[:-1]


def at(raw: Raw, keys: Keys) -> Raw:
    for key in keys:
        raw = raw[key]
    return raw


@given(params())
def test_params_come_back_however_they_are_written(raw: Raw) -> None:
    expected = Params.model_validate(raw)
    for text in (yaml_of(raw), json.dumps(raw, indent=1, ensure_ascii=False)):  # 3.0e-05, 3e-05
        found = loaded(text)
        assert found == expected
        assert [run.corpora for run in found.runs.values()] == [
            tuple(run["batch_size"]) for run in raw["runs"].values()
        ]


@given(params(), st.data())
def test_a_missing_key_is_named(raw: Raw, data: st.DataObject) -> None:
    fixed = [keys for keys in places(raw) if not is_named_by_the_user(keys)]
    *above, key = data.draw(st.sampled_from(fixed))
    del at(raw, tuple(above))[key]
    (said,) = refusal_of(raw).splitlines()[1:]
    if key in ("pair_encoding", "idle_heads"):
        assert said.startswith(f"  {'.'.join([*above, key])}: missing")
    elif key in CORPORA:
        assert said == f"  {'.'.join(above[:-1])}: sizes are missing for: {key}"
    elif key == "source":
        assert said.startswith(f"  {'.'.join(above)}: source must be synthetic, cs224n or local:")
    else:
        assert said == f"  {'.'.join([*above, key])}: Field required"


@given(params(), st.data(), st.sampled_from(["lerning_rate", "cs224n", "1", "a.b"]))
def test_an_unknown_key_is_named(raw: Raw, data: st.DataObject, unknown: str) -> None:
    sections = [
        keys
        for keys in ((), *places(raw))
        if isinstance(at(raw, keys), dict)
        and keys not in [("profiles",), ("runs",), ("configurations",)]
        and keys[-1:] not in [("batch_size",), ("sizes",)]
    ]
    above = data.draw(st.sampled_from(sections))
    at(raw, above)[unknown] = 1
    assert f"  {'.'.join([*above, unknown])}: unknown key" in refusal_of(raw).splitlines()


# of every type that YAML has and that no key takes in the place of another type
VALUES: list[Any] = [
    None,
    True,
    7,
    10**400,
    0.5,
    "word",
    [],
    [1],
    {},
    {"a": 1},
    b"bytes",
    dt.date(2001, 1, 1),
    {1, 2},
]


@given(params(), st.data(), st.sampled_from(VALUES))
def test_a_value_of_a_wrong_type_is_named_by_its_key(
    raw: Raw, data: st.DataObject, value: Any
) -> None:
    *above, key = data.draw(st.sampled_from(list(places(raw))))
    good = at(raw, tuple(above))[key]
    at(raw, tuple(above))[key] = value
    if type(value) is type(good) or key == "every_seconds":  # whole seconds are fine
        try_to_load(yaml_of(raw))
    elif key == "source":  # decides which keys there are, hence told of the section
        assert f"  {'.'.join(above)}: " in refusal_of(raw)
    else:
        assert f"  {'.'.join([*above, key])}" in refusal_of(raw)


def try_to_load(text: str) -> None:
    """Load what may be right or wrong; a ParamsError is fine, and nothing else is."""
    try:
        loaded(text)
    except ParamsError:
        return


# what a slip of the hand makes out of a value, and what YAML takes for more than it looks like
WRITTEN = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.from_regex(
    r"[-+]?[0-9_.:oxe+-]{1,10}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|!!(int|float|bool|null|binary|set) x",
    fullmatch=True,
)


@given(st.sampled_from(["seed: 11711", "profile: demo", "0.999", "{sst: 64}"]), WRITTEN)
def test_whatever_is_written_for_a_value_loads_or_is_refused(old: str, written: str) -> None:
    assert old in GOOD_TEXT
    key = old.partition(":")[0] + ": " if old[0].isalpha() else ""
    try_to_load(GOOD_TEXT.replace(old, key + written, 1))


@given(st.text(st.characters(exclude_categories=["Cs"])) | WRITTEN)
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(ParamsError):
        loaded(text)
