"""A trained run as a folder that Hugging Face's `transformers` loads.

A run of one sentiment corpus is a BertForSequenceClassification: dropout and a linear layer over
the pooled output is what that class computes. Heads on pairs, which read a vector of each sentence,
have no class there: such a run is a BertModel, with its heads in a file of their own.

Nothing in it names the machine or the hour: the same run gives the same bytes.
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

# beside the names that a backbone's folder has
HEADS = "heads.safetensors"
TOKENIZER_CONFIG = "tokenizer_config.json"
CARD = "README.md"
RECORD = "export.json"  # names the run; marks the folder as ours to replace
OURS = {HEADS, TOKENIZER_CONFIG, CARD, RECORD, paths.CONFIG, paths.WEIGHTS, paths.TOKENIZER}


def export_run(params: Params, name: str, folder: Path, *, force: bool = False) -> None:
    """Write a trained run into a folder, whole or not at all.

    Args:
        params: as they are now.
        name: of the run.
        folder: new, empty, or of an earlier export.
        force: take any other folder too; its files stay, but for those of the same names.

    Raises:
        InputError: the folder is somebody else's.
        ReportError, TrainingError: the run is not trained and evaluated as it is now.
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
            (new / HEADS).unlink(missing_ok=True)  # of another run, perhaps
        write_json(new / paths.CONFIG, _config(run))
        _write_tensors(new / paths.WEIGHTS, _weights(run))
        if not run.classified:
            _write_tensors(new / HEADS, _heads(run))
        write_text(new / paths.TOKENIZER, run.tokenizer.to_str() + "\n")
        write_json(new / TOKENIZER_CONFIG, _tokenizer_config(run, max_length))
        write_text(new / CARD, card)
        write_json(new / RECORD, {"schema": "export/1", "run": name})


def _check_folder(folder: Path, *, force: bool) -> None:
    """Refuse what is no folder, and without force one with anything that no export has written."""
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
    """Read what `evaluate` stored of these very weights."""
    path, weights = paths.scores_json(name), paths.run_dir(name) / paths.WEIGHTS
    record = records_in_data().read(path, RunScores)
    if record.weights_sha256 != sha256_of(weights):
        raise TrainingError(f"{path} is of other weights than {weights}; run `dvc repro`")
    return record.corpora


def _config(run: TrainedRun) -> dict[str, Any]:
    """Return config.json, under the names of Hugging Face's BertConfig."""
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
    """Return the model's tensors under Hugging Face's names."""
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
    content = save(on_cpu, metadata={"format": "pt"})  # what transformers looks for
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _tokenizer_config(run: TrainedRun, max_length: int) -> dict[str, Any]:
    """Return what transformers wants to know beside tokenizer.json."""
    tokens = (*SPECIAL_TOKENS, "[UNK]", "[MASK]")
    known = [token for token in tokens if run.tokenizer.token_to_id(token) is not None]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",  # takes tokenizer.json as it is
        "model_max_length": max_length,
        **{f"{token.strip('[]').lower()}_token": token for token in known},
    }
