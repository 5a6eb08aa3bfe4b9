"""A backbone of 1 M random weights, so that every stage runs for real in seconds."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from pipeline.model.bert import MinBert
from pipeline.model.checkpoint_names import hugging_face_names
from pipeline.model.config import config_from_json
from pipeline.model.kernels import PLAIN

CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": 30522,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "layer_norm_eps": 1e-12,
}


def write_tiny_backbone(folder: Path, tokenizer: Path) -> None:
    """Write config, weights and tokenizer of a tiny BERT into a folder.

    Args:
        folder: where to; it exists.
        tokenizer: the tokenizer.json of a BERT with the usual 30,522 tokens.
    """
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    torch.manual_seed(0)
    config = config_from_json(folder / "config.json")
    state = MinBert(config, PLAIN).state_dict()
    names = hugging_face_names(config)
    save_file({names[name]: tensor for name, tensor in state.items()}, folder / "model.safetensors")
