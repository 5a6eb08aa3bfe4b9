"""A backbone with 1 M random weights, so that every stage really runs, but within seconds."""

import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from pipeline.core.checkpoint_names import hugging_face_names
from pipeline.core.config import config_from_json
from pipeline.core.files import read_json, write_json
from pipeline.encoder.bert import MinBert
from pipeline.encoder.kernels import PLAIN

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def write_tiny_backbone(folder: Path, large: Path) -> None:
    """Write config, weights and tokenizer of a tiny BERT into a folder.

    Args:
        folder: an existing folder.
        large: the folder of a BERT with the tokenizer and other settings to use.
    """
    shutil.copy(large / "tokenizer.json", folder)
    config_json = folder / "config.json"
    write_json(config_json, read_json(large / "config.json") | SMALL | {"intermediate_size": 64})
    torch.manual_seed(0)
    config = config_from_json(config_json)
    names, state = hugging_face_names(config), MinBert(config, PLAIN).state_dict()
    save_file({names[name]: tensor for name, tensor in state.items()}, folder / "model.safetensors")
