"""load_params: the values of params.yaml, and what it rejects."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.paper import TABLE_3
from pipeline.core.yaml12 import as_yaml
from pipeline.data.backbone import BACKBONES
from pipeline.errors import ParamsError
from pipeline.plumbing.params import Cs224nCorpora, Params, SyntheticCorpora, checked, load_params
from tests.params import PARAMS, RAW, value_at, with_value

# Table 2 as the paper means it: mode, learning rate, batch sizes. Its fifth row is misprinted.
TABLE_2 = {
    "cfimdb-pretrain": ("pretrain", 1e-3, {"cfimdb": 8}),
    "sst-pretrain": ("pretrain", 1e-3, {"sst": 64}),
    "quora-pretrain": ("pretrain", 1e-3, {"quora": 16}),
    "sts-pretrain": ("pretrain", 1e-3, {"sts": 16}),
    "cfimdb-finetune": ("finetune", 1e-5, {"cfimdb": 8}),
    "sst-finetune": ("finetune", 1e-5, {"sst": 64}),
    "quora-finetune": ("finetune", 1e-5, {"quora": 16}),
    "sts-finetune": ("finetune", 1e-5, {"sts": 16}),
    "multitask-pretrain": ("pretrain", 1e-3, {"sst": 64, "quora": 16, "sts": 16}),
    "multitask-finetune": ("finetune", 1e-5, {"sst": 64, "quora": 16, "sts": 16}),
}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Params]:
    """Return a function that reads a text as params.yaml."""

    def read(text: str) -> Params:
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        return load_params(path)

    return read


@pytest.fixture(scope="module")
def params() -> Params:
    return PARAMS


def test_the_runs_follow_table_2_and_the_readings_that_fit_best(params: Params) -> None:
    papers = {name: params.run(name) for name in TABLE_2}
    runs = {
        name: (run.mode, run.learning_rate, dict(run.batch_size)) for name, run in papers.items()
    }
    assert runs == TABLE_2
    assert {run.dropout for run in papers.values()} == {0.3}  # before every head
    for run in papers.values():
        assert run.pair_encoding == ("joint" if {"quora", "sts"} & {*run.corpora} else None)
        assert run.idle_heads == ("step" if len(run.corpora) > 1 else None)


def test_every_row_of_table_3_has_one_configuration(params: Params) -> None:
    rows = [
        (row.corpus, params.run(row.run).scheme, params.run(row.run).mode)
        for row in params.configurations.values()
        if row.run in TABLE_2
    ]
    assert sorted(rows) == sorted(TABLE_3)


def test_other_profiles_than_demo_follow_the_paper(params: Params) -> None:
    for name in ("laptop", "paper"):
        profile = params.profiles[name]
        assert (profile.epochs.pretrain, profile.epochs.finetune) == (10, 10)
        scale = profile.learning_rate_scale
        assert (scale.pretrain, scale.finetune) == (1.0, 1.0)
        assert isinstance(profile.corpora, Cs224nCorpora)
    assert isinstance(params.profiles["demo"].corpora, SyntheticCorpora)


def test_the_active_profile_sets_epochs_and_scales_the_rate(load: Callable[[str], Params]) -> None:
    profile = RAW["profiles"]["demo"] | {
        "epochs": {"pretrain": 7, "finetune": 3},
        "learning_rate_scale": {"pretrain": 0.5, "finetune": 20.0},
    }
    demo = load(as_yaml(with_value("profiles.demo", profile)))
    pretrain, finetune = demo.run("sst-pretrain"), demo.run("sst-finetune")
    assert (demo.epochs(pretrain), demo.epochs(finetune)) == (7, 3)
    assert demo.learning_rate(pretrain) == pytest.approx(5e-4)
    assert demo.learning_rate(finetune) == pytest.approx(2e-4)


def test_params_are_read_back_from_any_notation(
    load: Callable[[str], Params], params: Params
) -> None:
    turned = dict(reversed(RAW.items()))
    for text in (as_yaml(turned), json.dumps(turned, indent=1)):  # 1.0e-05, 1e-05
        assert load(text) == params


BACKBONE_NAMES = [*BACKBONES, "local:some/folder", "local:Größe, #1"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("profiles.demo.backbone", name) for name in BACKBONE_NAMES),
        # the last values within the bounds
        *(("seed", 0), ("seed", 2**32 - 1)),
        *(("tokens.max_length", 6), ("tokens.max_length", 512)),
        ("evaluation.bootstrap_resamples", 100),
        ("runs.sst-finetune.dropout", 0.0),
    ],
)
def test_every_backbone_and_number_within_the_bounds_is_accepted(
    load: Callable[[str], Params], key: str, value: object
) -> None:
    changed = load(as_yaml(with_value(key, value)))
    assert value_at(changed.model_dump(), key) == value


def test_params_are_immutable(params: Params) -> None:
    with pytest.raises(ValueError, match="frozen"):
        params.run("sst-finetune").dropout = 0.5


RUN = "runs.sst-finetune"
ROW = "configurations.sst-single-finetune"
CORPORA = "'sst', 'cfimdb', 'quora' or 'sts'"
IDLE = "missing, and this run has several heads (sst, quora, sts); allowed: step, skip"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        # more are in test_params_properties.py and tests/end_to_end/test_bad_input.py
        ("profiles.demo.corpora.sizes.imdb", {}, f": Input should be {CORPORA}, not 'imdb' (str)"),
        ("profiles.demo.corpora.source", "kaggle", "source must be synthetic, cs224n or local:<"),
        ("profiles.laptop.corpora.quora_split", "mine", ": Input should be 'carved' or 'published"),
        ("seed", -1, ": Input should be greater than or equal to 0, not -1 (int)"),
        ("seed", 2**32, ": Input should be less than 4294967296"),
        ("tokens.max_length", 5, ": Input should be greater than or equal to 6"),
        ("tokens.max_length", 513, ": Input should be less than or equal to 512"),
        ("optimizer.betas", [0.9], ".1: Field required"),
        ("evaluation.confidence", 0.5, ": Input should be greater than 0.5"),
        ("evaluation.confidence", 95.0, ": Input should be less than 1"),
        ("evaluation.bootstrap_resamples", 99, ": Input should be greater than or equal to 100"),
        (f"{RUN}.mode", "full", ": Input should be 'pretrain' or 'finetune', not 'full' (str)"),
        (f"{RUN}.learning_rate", -1.0, ": Input should be greater than 0, not -1.0 (float)"),
        (f"{RUN}.learning_rate", float("inf"), ": Input should be a finite number"),
        (f"{RUN}.dropout", 1.0, ": Input should be less than 1, not 1.0"),
        (f"{RUN}.batch_size", {}, ": Dictionary should have at least 1 item"),
        (f"{RUN}.batch_size.sst", 0, ": Input should be greater than 0, not 0"),
        (f"{RUN}.batch_size.sst", 64.0, ": Input should be a valid integer, not 64.0 (float)"),
        # equal for `dvc status`, but different for the run cache
        ("profiles.demo.learning_rate_scale.finetune", 10, ": write 10.0, not 10: to DVC, these"),
        (f"{RUN}.dropout", -0.0, ": write 0.0, not -0.0"),
        ("runs.multitask-pretrain.batch_size", {"quora": 16, "sst": 64},
         ": write its corpora in the order of their turns (sst, quora); DVC "),
        # names
        (f"{ROW}.run", "sst-full", ": unknown run 'sst-full'; allowed: cfimdb-pretrain, "),
        (f"{ROW}.corpus", "sts", ": run 'sst-finetune' does not train on 'sts'; allowed: sst"),
        (f"{ROW}.corpus", "imdb", f": Input should be {CORPORA}"),
        # readings of the paper
        ("runs.quora-pretrain.pair_encoding", "both",
         ": Input should be 'joint' or 'separate', not 'both' (str)"),
        ("runs.multitask-pretrain.idle_heads", None, f": {IDLE}"),
    ],
)  # fmt: skip
def test_a_bad_value_is_rejected_with_its_full_key(key: str, value: Any, expected: str) -> None:
    with pytest.raises(ParamsError) as refusal:
        checked(Params, with_value(key, value), "params.yaml")
    first, *lines = str(refusal.value).splitlines()
    assert first == "params.yaml is not valid:"
    where = "profiles.demo.corpora: " if key.endswith(".source") else key
    assert any(line.startswith(f"  {where}{expected}") for line in lines), lines


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"- seed\n- device\n", "expected keys and values, found "),
        (b"", "expected keys and values, found "),
        (b"seed: \xff\xfe\n", r"params\.yaml is not valid YAML: "),
        (None, "cannot be read: Is a directory"),
    ],
)
def test_what_is_no_file_of_keys_and_values_is_refused(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "params.yaml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ParamsError, match=said):
        load_params(path)


@pytest.fixture
def own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Callable[[str], Params]
) -> Callable[..., Params]:
    """Return a function that reads params.yaml with some empty files as the user's own corpora."""
    for folder in ("project/data/corpora", "own/quora", "own/sts"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")

    def read(*names: str, folder: str = "../own") -> Params:
        for name in names:
            Path("../own", name).touch()
        return load(as_yaml(with_value("profiles.demo.corpora", {"source": f"local:{folder}"})))

    return read


STS = ("sts-train.tsv", "sts-dev.csv")


@pytest.mark.parametrize(
    "names",
    [
        ("quora-train.csv", "quora-dev.csv"),
        ("quora/train.tsv", "quora/dev.csv", "quora/test.csv"),
        ("quora-train.csv", "quora-dev.csv", "quora-test-student.csv"),
    ],
)
def test_a_corpus_without_files_is_removed_from_its_runs(
    own: Callable[..., Params], names: tuple[str, ...]
) -> None:
    params = own(*STS, *names)
    assert {name: run.corpora for name, run in params.runs.items()} == {
        "quora-pretrain": ("quora",),
        "sts-pretrain": ("sts",),
        "quora-finetune": ("quora",),
        "sts-finetune": ("sts",),
        "multitask-pretrain": ("quora", "sts"),
        "multitask-finetune": ("quora", "sts"),
    }
    assert {row.corpus for row in params.configurations.values()} == {"quora", "sts"}
    assert params.left_out["sst-finetune"] == "../own has no files of sst"
    assert list(params.all_runs) == list(TABLE_2)
    with pytest.raises(ParamsError, match=r"run 'sst-finetune' is left out: \S+ has no files of"):
        params.run("sst-finetune")


def test_a_multitask_run_with_one_corpus_left_is_left_out(own: Callable[..., Params]) -> None:
    params = own(*STS)
    assert list(params.runs) == ["sts-pretrain", "sts-finetune"]
    assert params.left_out["multitask-finetune"] == "../own has no files of sst and quora"


@pytest.mark.parametrize(
    ("folder", "names", "problem"),
    [
        ("../own", (), r"contains no corpus; it needs <corpus>-train\.csv and <corpus>-dev\.csv"),
        ("../own", STS[:1], r"has the train split of sts but not the dev split; add sts-dev\.csv"),
        ("../own", ("sts-test.csv",), r"has the test split of sts but not the train split"),
        ("../own", (*STS, "sts/dev.csv"), r"csv and \S+sts/dev\.csv are both the dev split of sts"),
        ("no/where", (), "local:no/where: no/where is not a directory; create it"),
        (".", (), r"the pipeline itself writes into \S+; put your files"),
        ("..", (), r"the pipeline itself writes into \S+;"),
        ("data/corpora", (), "the pipeline itself writes into data/corpora;"),
    ],
)
def test_own_files_need_complete_corpora_in_a_separate_directory(
    own: Callable[..., Params], folder: str, names: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ParamsError, match=problem):
        own(*names, folder=folder)
