"""Stage backbone: the profile's backbone arrives where the other stages look for it."""

import json
from pathlib import Path

import pytest

from pipeline import paths
from pipeline.errors import BackboneError
from stages.backbone import main

ROOT = Path(__file__).parents[2]
CONFIG = {
    "vocab_size": 30522,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
}


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder whose params.yaml names a backbone of the user's own."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / paths.PARAMS).read_text(encoding="utf-8")
    assert text.count("backbone: all-MiniLM-L6-v2 #") == 1
    paths.PARAMS.write_text(
        text.replace("backbone: all-MiniLM-L6-v2 #", "backbone: local:own #"), encoding="utf-8"
    )
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_bytes(b"tokenizer")
    return folder


def test_the_three_files_are_where_the_other_stages_look() -> None:
    main([])
    assert json.loads(paths.backbone_config(paths.BACKBONE).read_text()) == CONFIG
    assert paths.backbone_weights(paths.BACKBONE).read_bytes() == b"weights"
    assert paths.backbone_tokenizer(paths.BACKBONE).read_bytes() == b"tokenizer"
    assert len(list(paths.BACKBONE.iterdir())) == 3


def test_a_failure_leaves_no_folder_behind(own: Path) -> None:
    (own / "tokenizer.json").unlink()
    with pytest.raises(BackboneError, match=r"local:own lacks tokenizer\.json"):
        main([])
    assert list(paths.DATA.iterdir()) == []


def test_an_argument_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bert-base-uncased"])
    assert "unrecognized arguments: bert-base-uncased" in capsys.readouterr().err
