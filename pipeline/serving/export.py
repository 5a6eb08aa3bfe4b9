"""Exports a trained run as a folder that Hugging Face's `transformers` can load.

A run of one sentiment corpus becomes a BertForSequenceClassification, which applies the same
dropout and linear layer to the pooled output. `transformers` has no class for heads on pairs, which
read a vector for each sentence. Such a run becomes a BertModel, with its heads in a separate file.

The folder contains no machine name and no time, so the same run always produces the same bytes.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from pipeline.core import paths
from pipeline.core.checkpoint_names import hugging_face_names
from pipeline.core.files import replacing, replacing_folder, sha256_of, write_json, write_text
from pipeline.core.records import RunScores
from pipeline.core.tokenizer import SPECIAL_TOKENS
from pipeline.errors import InputError, TrainingError
from pipeline.plumbing.params import Params
from pipeline.reporting.records import records_in_data
from pipeline.serving.answers import MEANINGS
from pipeline.serving.card import Scores, model_card
from pipeline.serving.trained import TrainedRun, open_run, profile_of

# in addition to the files in a backbone's folder
HEADS = "heads.safetensors"
TOKENIZER_CONFIG = "tokenizer_config.json"
CARD = "README.md"
RECORD = "export.json"  # contains the run's name; marks the folder as an export that we may replace
OURS = {HEADS, TOKENIZER_CONFIG, CARD, RECORD, paths.CONFIG, paths.WEIGHTS, paths.TOKENIZER}


def export_run(params: Params, name: str, folder: Path, *, force: bool = False) -> None:
    """Write a trained run into a folder, either completely or not at all.

    Args:
        params: the current params.
        name: the name of the run.
        folder: a new folder, an empty folder, or an earlier export.
        force: accept any other folder too; keep its files, except those with the same names.

    Raises:
        InputError: the folder contains files that are not from an export.
        ReportError, TrainingError: the run is not trained, or its scores are missing or outdated.
    """
    folder = folder.resolve()
    _check_folder(folder, force=force)
    run = open_run(params, name)
    scores = _scores(name)
    profile = profile_of(name)
    if profile not in params.profiles:
        raise TrainingError(f"dvc.lock does not say how {name} was trained; run `dvc repro`")
    max_length = min(params.tokens.max_length, run.backbone.config.max_position_embeddings)
    card = model_card(run, params, profile, scores, max_length)
    with replacing_folder(folder) as new:
        if folder.exists() and force:
            shutil.copytree(folder, new, symlinks=True, dirs_exist_ok=True)
            (new / HEADS).unlink(missing_ok=True)  # may belong to another run
        write_json(new / paths.CONFIG, _config(run))
        _write_tensors(new / paths.WEIGHTS, _weights(run))
        if not run.classified:
            _write_tensors(new / HEADS, _heads(run))
        write_text(new / paths.TOKENIZER, run.tokenizer.to_str() + "\n")
        write_json(new / TOKENIZER_CONFIG, _tokenizer_config(run, max_length))
        write_text(new / CARD, card)
        write_json(new / RECORD, {"schema": "export/1", "run": name})


def _check_folder(folder: Path, *, force: bool) -> None:
    """Reject a file, and, without `force`, a folder with files that are not from an export."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; name a folder")
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    others = found - OURS or (set() if RECORD in found else found)
    if others and not force:
        raise InputError(
            f"{folder} holds what no export has written ({min(others)}); name another folder, or "
            "--force to keep that beside the export"
        )


def _scores(name: str) -> Scores:
    """Read the scores from `evaluate` and check that they belong to the current weights."""
    path, weights = paths.scores_json(name), paths.run_dir(name) / paths.WEIGHTS
    record = records_in_data().read(path, RunScores)
    if record.weights_sha256 != sha256_of(weights):
        raise TrainingError(f"{path} is of other weights than {weights}; run `dvc repro`")
    return record.corpora


def _config(run: TrainedRun) -> dict[str, Any]:
    """Return the content of config.json, with the names that Hugging Face's BertConfig uses."""
    config = asdict(run.backbone.config) | {"dtype": "float32", "hidden_act": "gelu"}
    config |= {"architectures": ["BertModel"], "model_type": "bert"}
    if run.classified:
        meanings = dict(enumerate(MEANINGS[run.classified]))
        config |= {
            "architectures": ["BertForSequenceClassification"],
            "classifier_dropout": run.summary.dropout,
            "id2label": {str(number): meaning for number, meaning in meanings.items()},
            "label2id": {meaning: number for number, meaning in meanings.items()},
            "problem_type": "single_label_classification",
        }
    return config


def _weights(run: TrainedRun) -> dict[str, Tensor]:
    """Return the model's tensors with Hugging Face's names."""
    names = hugging_face_names(run.backbone.config)
    tensors = {names[name]: tensor for name, tensor in run.backbone.state_dict().items()}
    if not run.classified:
        return tensors
    head = {name.replace(run.classified, "classifier"): t for name, t in _heads(run).items()}
    return {f"bert.{name}": tensor for name, tensor in tensors.items()} | head


def _heads(run: TrainedRun) -> dict[str, Tensor]:
    """Return the heads' linear layers: `<corpus>.weight` [C, S * D] and `<corpus>.bias` [C]."""
    return {
        name.replace(".linear.", "."): tensor
        for name, tensor in run.model.heads.state_dict().items()
    }


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(on_cpu, metadata={"format": "pt"})  # transformers requires this
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _tokenizer_config(run: TrainedRun, max_length: int) -> dict[str, Any]:
    """Return the settings that transformers needs in addition to tokenizer.json."""
    tokens = (*SPECIAL_TOKENS, "[UNK]", "[MASK]")
    known = [token for token in tokens if run.tokenizer.token_to_id(token) is not None]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # uses tokenizer.json unchanged
        "model_max_length": max_length,
        **{f"{token.strip('[]').lower()}_token": token for token in known},
    }
