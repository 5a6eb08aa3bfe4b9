"""Exported folders: transformers loads them without a warning and computes the same."""

import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from pipeline.core import paths
from pipeline.core.files import sha256_of
from pipeline.core.yaml12 import parse_yaml
from pipeline.errors import InputError, PipelineError
from pipeline.plumbing.params import Params, load_params
from pipeline.serving.answers import answer
from pipeline.serving.export import export_run
from pipeline.serving.texts import Text
from pipeline.serving.trained import open_run
from tests.conftest import SERVED_RUNS

CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
IDS = torch.tensor([[101, 2023, 2003, 102], [101, 2143, 102, 0]])
# for the texts in the card's examples
TEXTS = {
    "sst": Text(1, "A gorgeous, witty, seductive movie."),
    "quora": Text(1, "How do I learn to cook?", "What is the best way to learn cooking?"),
    "sts": Text(1, "A man is eating.", "Somebody has a meal."),
}


@pytest.fixture
def params(served_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Go to the repository of the small runs, and compute in float32 as transformers does."""
    monkeypatch.chdir(served_dir)
    params = load_params()
    forward = params.speed.forward.model_copy(update={"precision": "fp32"})
    speed = params.speed.model_copy(update={"forward": forward})
    return params.model_copy(update={"speed": speed})


@pytest.fixture
def copied(params: Params, served_dir: Path, here: Path) -> None:
    """Stand in a copy of that repository, which may be damaged."""
    shutil.copytree(served_dir / paths.DATA, paths.DATA)
    shutil.copy(served_dir / paths.DVC_LOCK, here)


@pytest.mark.parametrize("name", SERVED_RUNS)
def test_transformers_loads_every_weight_and_computes_the_same(
    name: str, params: Params, tmp_path: Path
) -> None:
    export_run(params, name, tmp_path / "out")
    (architecture,) = json.loads((tmp_path / "out/config.json").read_text())["architectures"]
    is_alone = name.startswith("sst")
    assert architecture == ("BertForSequenceClassification" if is_alone else "BertModel")
    auto = transformers.AutoModelForSequenceClassification if is_alone else transformers.AutoModel
    model, info = auto.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(info.values()), info
    theirs = model.eval().base_model(IDS, attention_mask=(IDS > 0).long())
    backbone = open_run(params, name).backbone
    hidden = backbone(IDS, IDS > 0)
    # fused layers leave 0 at padding
    difference = (hidden - theirs.last_hidden_state)[IDS > 0].abs().max()
    assert difference < 1e-4
    pooled = backbone.pooler(hidden[:, 0])
    torch.testing.assert_close(pooled, theirs.pooler_output, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", SERVED_RUNS)
def test_the_example_on_the_card_gives_our_predictions(
    name: str, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = open_run(params, name)
    ours = {c: answer(run, [c], [TEXTS[c]], 512, 8)[0][0] for c in run.corpora}
    export_run(params, name, tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    found = run_example(Path("README.md"), tmp_path / "example.py")
    close = {"atol": 2e-3 if run.is_frozen else 1e-4}  # stored vectors are float16
    if run.classified:
        np.testing.assert_allclose(found["probabilities"], ours["sst"].probabilities, **close)
        assert found["labels"] == [ours["sst"].as_json(0)["meaning"]]
        return
    np.testing.assert_allclose(found["sst"], ours["sst"].probabilities, **close)
    np.testing.assert_allclose(found["quora"][0], ours["quora"].probabilities[0, 1], **close)
    np.testing.assert_allclose(found["sts"], ours["sts"].predictions, atol=5 * close["atol"])


def run_example(card: Path, script: Path) -> dict[str, Any]:
    (code,) = CODE.findall(card.read_text())
    script.write_text(code)
    return runpy.run_path(str(script))


def test_the_tokenizer_gives_the_same_ids_as_in_training(params: Params, tmp_path: Path) -> None:
    export_run(params, "sst-pretrain", tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    ours = open_run(params, "sst-pretrain").tokenizer
    for text in ("A film, naïve and FINE!", "very " * 600):
        ours.enable_truncation(512)
        theirs = tokenizer(text, truncation=True)
        assert theirs["input_ids"] == ours.encode(text).ids


def test_the_card_describes_the_run(params: Params, tmp_path: Path) -> None:
    evaluation = params.evaluation.model_copy(update={"confidence": 0.995})
    params = params.model_copy(update={"evaluation": evaluation})
    export_run(params, "multitask-pretrain", tmp_path / "out")
    _, head, body = (tmp_path / "out/README.md").read_text().split("---\n", 2)
    metadata = parse_yaml(head)
    results = metadata["model-index"][0]["results"]
    assert [one["dataset"]["type"] for one in results] == [
        f"synthetic-{corpus}" for corpus in ("sst", "quora", "sts")
    ]
    scores = json.loads(paths.scores_json("multitask-pretrain").read_text())["corpora"]
    assert results[0]["metrics"] == [{"type": "accuracy", "value": scores["sst"]["score"]}]
    assert metadata["license"] == "other"  # the user's own backbone
    assert "base_model" not in metadata
    assert "**Trained and scored on generated corpora.**" in body
    assert "| profile | demo |" in body
    assert "Only the heads were trained, on the frozen backbone " in body
    assert "| score | 99.5 % interval |" in body


def test_the_same_run_gives_the_same_bytes(params: Params, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        export_run(params, "multitask-finetune", tmp_path / folder)
    one, two = (
        {path.name: sha256_of(path) for path in (tmp_path / folder).iterdir()}
        for folder in ("one", "two")
    )
    assert one == two
    assert len(one) == 7
    assert not any(str(tmp_path) in p.read_text() for p in (tmp_path / "one").glob("*.[jm]*[dn]"))


def test_only_an_earlier_export_is_replaced(params: Params, tmp_path: Path) -> None:
    export_run(params, "multitask-finetune", tmp_path)
    assert (tmp_path / "heads.safetensors").exists()
    export_run(params, "sst-pretrain", tmp_path)
    assert not (tmp_path / "heads.safetensors").exists()
    note = tmp_path / "note.txt"
    note.write_text("mine")
    (tmp_path / "heads.safetensors").touch()
    export_run(params, "sst-finetune", tmp_path, force=True)
    assert not (tmp_path / "heads.safetensors").exists()
    assert note.read_text() == "mine"
    assert json.loads((tmp_path / "export.json").read_text())["run"] == "sst-finetune"
    for force in (False, True):
        with pytest.raises(InputError, match="is a file; name a folder"):
            export_run(params, "sst-pretrain", note, force=force)


@pytest.mark.usefixtures("copied")
def test_missing_information_for_the_card_stops_the_export(params: Params, tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(PipelineError, match=message):
            export_run(params, "sst-pretrain", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    path = paths.scores_json("sst-pretrain")
    scores = path.read_text()
    path.write_text(json.dumps(json.loads(scores) | {"weights_sha256": "0" * 64}))
    refused(r"sst-pretrain\.json is of other weights than ")
    path.unlink()
    refused(r"sst-pretrain\.json is missing")
    path.write_text(scores)
    paths.DVC_LOCK.unlink()
    refused(r"dvc\.lock does not say how sst-pretrain was trained")


def test_the_card_names_the_terms_of_real_corpora(params: Params, tmp_path: Path) -> None:
    real = params.model_copy(
        update={"profiles": params.profiles | {"demo": params.profiles["laptop"]}}
    )
    export_run(real, "multitask-finetune", tmp_path / "out")
    card = (tmp_path / "out/README.md").read_text()
    assert "generated" not in card
    assert "non-commercial" in card
    assert "an 80/20 split of `quora-dev.csv`" in card
