"""load_params: what params.yaml says, and what it may not say."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core.paper import TABLE_3
from pipeline.data.backbone import BACKBONES
from pipeline.errors import ParamsError
from pipeline.plumbing.params import Cs224nCorpora, Params, SyntheticCorpora, load_params

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "params.yaml").read_text(encoding="utf-8")


def demo_s(pattern: str) -> str:
    """Return the first text of this form: what the demo profile, the first one, holds."""
    found = re.search(pattern, GOOD)
    assert found
    return found.group()


# sizes, epochs and rates of the demo may be tuned; these tests read them and do not repeat them
EPOCHS = demo_s(r"epochs: \{.*\}")
RATE_SCALE = demo_s(r"learning_rate_scale: \{.*\}")
CFIMDB_SIZES = demo_s(r" +cfimdb: \{train.*\n")

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
    """Return a reader of the given text as a params.yaml."""

    def read(text: str) -> Params:
        path = tmp_path / "params.yaml"
        path.write_text(text, encoding="utf-8")
        return load_params(path)

    return read


@pytest.fixture(scope="module")
def params() -> Params:
    return load_params(ROOT / "params.yaml")


def replaced(old: str, new: str) -> str:
    """Return the good text with the first `old` replaced; `old` must be there."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_runs_of_table_2_are_as_in_the_paper(params: Params) -> None:
    papers = {name: params.run(name) for name in TABLE_2}
    runs = {
        name: (run.mode, run.learning_rate, dict(run.batch_size)) for name, run in papers.items()
    }
    assert runs == TABLE_2
    assert {run.dropout for run in papers.values()} == {0.3}  # before every head


def test_runs_of_table_2_read_the_paper_as_best_matches_its_numbers(params: Params) -> None:
    for name in TABLE_2:
        run = params.run(name)
        assert run.pair_encoding == ("joint" if {"quora", "sts"} & {*run.corpora} else None)
        assert run.idle_heads == ("step" if len(run.corpora) > 1 else None)


def test_every_row_of_table_3_is_one_configuration(params: Params) -> None:
    rows = [
        (row.corpus, params.run(row.run).scheme, params.run(row.run).mode)
        for row in params.configurations.values()
        if row.run in TABLE_2
    ]
    assert sorted(rows) == sorted(TABLE_3)


def test_paper_recipe_holds_outside_the_demo(params: Params) -> None:
    for name in ("laptop", "paper"):
        profile = params.profiles[name]
        assert (profile.epochs.pretrain, profile.epochs.finetune) == (10, 10)
        scale = profile.learning_rate_scale
        assert (scale.pretrain, scale.finetune) == (1.0, 1.0)
        assert isinstance(profile.corpora, Cs224nCorpora)
    assert isinstance(params.profiles["demo"].corpora, SyntheticCorpora)


def test_profile_in_force_sets_epochs_and_scales_the_rate(
    load: Callable[[str], Params],
) -> None:
    text = replaced(EPOCHS, "epochs: {pretrain: 7, finetune: 3}")
    text = text.replace(RATE_SCALE, "learning_rate_scale: {pretrain: 0.5, finetune: 20.0}", 1)
    demo = load(text)
    pretrain, finetune = demo.run("sst-pretrain"), demo.run("sst-finetune")
    assert (demo.epochs(pretrain), demo.epochs(finetune)) == (7, 3)
    assert demo.learning_rate(pretrain) == pytest.approx(5e-4)
    assert demo.learning_rate(finetune) == pytest.approx(2e-4)


@pytest.mark.parametrize("name", [*BACKBONES, "local:some/folder"])
def test_every_backbone_is_accepted(load: Callable[[str], Params], name: str) -> None:
    changed = load(replaced("backbone: all-MiniLM-L6-v2 #", f"backbone: {name} #"))
    assert changed.active.backbone == name


def test_params_cannot_be_changed_once_read(load: Callable[[str], Params]) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(GOOD).run("sst-finetune").dropout = 0.5


SST = "sst-finetune: {mode: finetune, learning_rate: 1.0e-5, batch_size: {sst: 64}, dropout: 0.3}"
ROW = "sst-single-finetune: {run: sst-finetune, corpus: sst}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # a missing key, an unknown one and a value of a wrong type: test_params_properties.py
        (CFIMDB_SIZES, CFIMDB_SIZES.replace("cfimdb", "imdb"),
         ["profiles.demo.corpora.sizes.imdb", "'sst', 'cfimdb', 'quora' or 'sts'"]),
        (SST, SST.replace("1.0e-5", "'1.0e-5'"),
         ["runs.sst-finetune.learning_rate", "valid number", "not '1.0e-5' (str)"]),
        ("betas: [0.9, 0.999]", "betas: [0.9]", ["optimizer.betas.1: Field required"]),
        # equal to `dvc status`, and others to its run cache
        (RATE_SCALE, "learning_rate_scale: {pretrain: 1, finetune: 10}",
         ["profiles.demo.learning_rate_scale.pretrain: write 1.0, not 1, which DVC takes",
          "profiles.demo.learning_rate_scale.finetune: write 10.0, not 10, which DVC takes"]),
        (SST, SST.replace("dropout: 0.3", "dropout: -0.0"),
         ["runs.sst-finetune.dropout: write 0.0, not -0.0"]),
        (SST, SST.replace("{sst: 64}", "{sst: 64.0}"),
         ["runs.sst-finetune.batch_size.sst", "valid integer", "not 64.0 (float)"]),
        ("betas: [0.9, 0.999]", "betas: [0, 0.999]", ["optimizer.betas.0: write 0.0, not 0"]),
        ("batch_size: {sst: 64, quora: 16, sts: 16}", "batch_size: {quora: 16, sst: 64, sts: 16}",
         ["runs.multitask-pretrain.batch_size: write its corpora in the order sst, quora, sts"]),
        # values
        (SST, SST.replace("1.0e-5", "-1.0"),
         ["runs.sst-finetune.learning_rate", "greater than 0", "not -1.0"]),
        (SST, SST.replace("1.0e-5", ".inf"), ["runs.sst-finetune.learning_rate", "finite"]),
        (SST, SST.replace("dropout: 0.3", "dropout: 1.0"),
         ["runs.sst-finetune.dropout", "less than 1", "not 1.0"]),
        (SST, SST.replace("{sst: 64}", "{sst: 0}"),
         ["runs.sst-finetune.batch_size.sst", "greater than 0", "not 0"]),
        (SST, SST.replace("{sst: 64}", "{}"), ["runs.sst-finetune.batch_size", "at least 1"]),
        (SST, SST.replace("mode: finetune", "mode: full"),
         ["runs.sst-finetune.mode", "'pretrain' or 'finetune'", "not 'full'"]),
        ("max_length: 512", "max_length: 513", ["tokens.max_length", "less than or equal to 512"]),
        ("seed: 11711", "seed: -1", ["seed: ", "greater than or equal to 0"]),
        ("confidence: 0.95", "confidence: 95", ["evaluation.confidence", "less than 1"]),
        ("bootstrap_resamples: 2000", "bootstrap_resamples: 10",
         ["evaluation.bootstrap_resamples", "greater than or equal to 100"]),
        # names
        ("profile: demo", "profile: huge",
         ["profile: unknown profile 'huge'; allowed: demo, laptop, paper"]),
        ("backbone: all-MiniLM-L6-v2 #", "backbone: bert-large #",
         ["profiles.demo.backbone: unknown backbone 'bert-large'; allowed: all-MiniLM-L6-v2, "
          "bert-base-uncased, local:<directory>"]),
        (SST, SST.replace("{sst: 64}", "{sst2: 64}"),
         ["runs.sst-finetune.batch_size.sst2", "'sst', 'cfimdb', 'quora' or 'sts'"]),
        ("source: synthetic", "source: kaggle",
         ["profiles.demo.corpora: source must be synthetic, cs224n or local:<directory>"]),
        ("quora_split: carved", "quora_split: mine",
         ["profiles.laptop.corpora.quora_split", "'carved' or 'published'", "not 'mine'"]),
        (ROW, ROW.replace("run: sst-finetune", "run: sst-full"),
         ["configurations.sst-single-finetune.run: names no run ('sst-full')", "cfimdb-pretrain,"]),
        (ROW, ROW.replace("corpus: sst", "corpus: sts"),
         ["configurations.sst-single-finetune.corpus: run 'sst-finetune' does not train on 'sts'; "
          "allowed: sst"]),
        (ROW, ROW.replace("corpus: sst", "corpus: imdb"),
         ["configurations.sst-single-finetune.corpus", "'sst', 'cfimdb', 'quora' or 'sts'"]),
        (ROW, ROW.replace("sst-single-finetune:", "sst.single:"),
         ["configurations.sst.single: a name may hold a-z, 0-9 and single '-' only"]),
        ("  quora-finetune: {mode", "  Quora finetune: {mode",
         ["runs.Quora finetune: a name may hold"]),
        # readings of the paper, missing or of no use
        ("{sts: 16}, dropout: 0.3, pair_encoding: joint}", "{sts: 16}, dropout: 0.3}",
         ["runs.sts-pretrain.pair_encoding: missing, and this run has pairs (sts); "
          "allowed: joint, separate"]),
        ("pair_encoding: joint}", "pair_encoding: both}",
         ["runs.quora-pretrain.pair_encoding: Input should be 'joint' or 'separate', not 'both'"]),
        ("{cfimdb: 8}, dropout: 0.3}", "{cfimdb: 8}, dropout: 0.3, pair_encoding: joint}",
         ["runs.cfimdb-pretrain.pair_encoding: of no use without pairs (cfimdb); remove the key"]),
        (", idle_heads: step}", "}",
         ["runs.multitask-pretrain.idle_heads: missing, and this run has several heads "
          "(sst, quora, sts); allowed: step, skip"]),
        ("{sst: 64}, dropout: 0.3}", "{sst: 64}, dropout: 0.3, idle_heads: step}",
         ["runs.sst-pretrain.idle_heads: of no use without several heads (sst); remove the key"]),
    ],
)  # fmt: skip
def test_bad_value_is_refused_by_its_full_name(
    load: Callable[[str], Params], old: str, new: str, said: list[str]
) -> None:
    with pytest.raises(ParamsError) as refusal:
        load(replaced(old, new))
    message = str(refusal.value)
    assert re.match(r".*params\.yaml is not valid:\n  \w", message)
    for part in said:
        assert part in message


def test_every_mistake_gets_a_line(load: Callable[[str], Params]) -> None:
    text = replaced("device: auto", "device: tpu").replace("max_length: 512", "max_length: 2")
    with pytest.raises(ParamsError) as refusal:
        load(text)
    assert [line.split(":")[0] for line in str(refusal.value).splitlines()[1:]] == [
        "  device",
        "  tokens.max_length",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", 'is not YAML: line 2, column 1: found duplicate key "a"; correct it there'),
        ("runs: {a: [1, 2}", "is not YAML: line 1, column 16: did not find"),
        ("runs: !!int x", "is not YAML: "),
        ("own: {backbone: local:bert}", "column 17: DVC cannot read local:bert without quotation"),
        ("- seed\n- device\n", r"expected keys and values, found \['seed', 'device'\]"),
        ("", "expected keys and values, found None"),
    ],
)
def test_what_is_no_mapping_of_keys_is_refused(
    load: Callable[[str], Params], text: str, said: str
) -> None:
    with pytest.raises(ParamsError, match=said):
        load(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    with pytest.raises(ParamsError, match=r"params\.yaml is missing; run from the repository root"):
        load_params(path)
    with pytest.raises(ParamsError, match="cannot be read: Is a directory"):
        load_params(tmp_path)
    path.write_bytes(b"seed: \xff\xfe\n")
    with pytest.raises(ParamsError, match=r"params\.yaml is not YAML: "):
        load_params(path)


def test_unknown_run_is_answered_with_the_known_ones(params: Params) -> None:
    with pytest.raises(ParamsError, match=r"unknown run 'sst'; params\.yaml has: cfimdb-pretrain,"):
        params.run("sst")


def own(folder: Path, *names: str) -> str:
    """Return the good text with files of the user's own under these names for corpora."""
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("", encoding="utf-8")
    section = re.search(r"(?s)      source: synthetic.*?(?=    backbone)", GOOD)
    assert section
    return GOOD.replace(section.group(), f"      source: local:{folder}\n", 1)


STS = ("sts-train.tsv", "sts-dev.csv")


@pytest.mark.parametrize(
    "names",
    [
        ("quora-train.csv", "quora-dev.csv"),
        ("quora/train.tsv", "quora/dev.csv", "quora/test.csv"),
        ("quora-train.csv", "quora-dev.csv", "quora-test-student.csv"),
    ],
)
def test_a_corpus_without_files_falls_out_of_the_runs_that_read_it(
    load: Callable[[str], Params], tmp_path: Path, names: tuple[str, ...]
) -> None:
    params = load(own(tmp_path, *STS, *names))
    assert {name: run.corpora for name, run in params.runs.items()} == {
        "quora-pretrain": ("quora",),
        "sts-pretrain": ("sts",),
        "quora-finetune": ("quora",),
        "sts-finetune": ("sts",),
        "multitask-pretrain": ("quora", "sts"),
        "multitask-finetune": ("quora", "sts"),
    }
    assert {row.corpus for row in params.configurations.values()} == {"quora", "sts"}
    assert params.left_out["sst-finetune"] == f"{tmp_path} has no files of sst"
    assert list(params.all_runs) == list(TABLE_2)
    with pytest.raises(ParamsError, match=r"run 'sst-finetune' is left out: \S+ has no files of"):
        params.run("sst-finetune")


def test_a_multitask_run_with_one_corpus_left_is_the_single_task_run_and_falls_out(
    load: Callable[[str], Params], tmp_path: Path
) -> None:
    params = load(own(tmp_path, *STS))
    assert list(params.runs) == ["sts-pretrain", "sts-finetune"]
    told = f"{tmp_path} has no files of sst and quora"
    assert params.left_out["multitask-finetune"] == told


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ((), r"holds no corpus; it needs <corpus>-train\.csv and <corpus>-dev\.csv"),
        (("sts-train.csv",), r"has the train split of sts but not the dev split; add sts-dev\.csv"),
        (("sts-test.csv",), r"has the test split of sts but not the train split"),
        ((*STS, "sts/dev.csv"), r"sts-dev\.csv and \S+sts/dev\.csv are both the dev split of sts"),
    ],
)
def test_own_files_that_do_not_make_corpora_are_refused(
    load: Callable[[str], Params], tmp_path: Path, names: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ParamsError, match=problem):
        load(own(tmp_path, *names))


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("no/where", "local:no/where: no/where is not a directory; make it"),
        (".", r"the pipeline writes into \S+ itself; put your files"),
        ("..", r"the pipeline writes into \S+ itself"),
        ("data/corpora", "the pipeline writes into data/corpora itself"),
    ],
)
def test_own_files_are_in_a_directory_of_their_own(
    load: Callable[[str], Params],
    tmp_path: Path,
    folder: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "project/data/corpora").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    text = own(tmp_path).replace(f"local:{tmp_path}", f"local:{folder}")
    with pytest.raises(ParamsError, match=problem):
        load(text)
