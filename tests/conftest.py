"""What tests of more than one folder share."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

from pipeline.backbone import BACKBONES, fetch_backbone
from pipeline.files import sha256_of

MINILM = "all-MiniLM-L6-v2"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "minbert-pipeline"

# Property tests try the same examples in every run, so that what fails for one fails for all.
# To look for new ones: python -m pytest --hypothesis-profile=search
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=50
)
settings.register_profile(
    "search", settings.get_profile("repeatable"), derandomize=False, max_examples=1000
)
settings.register_profile(  # for CONTRIBUTING's check with mutants: whether it fails is enough
    "mutants", settings.get_profile("repeatable"), max_examples=25, phases=[Phase.generate]
)
settings.load_profile("repeatable")
set_hypothesis_home_dir(CACHE / "hypothesis")  # its tables of characters; nothing of a run


@pytest.fixture(scope="session")
def minilm_dir() -> Path:
    """Return a folder with all-MiniLM-L6-v2, fetched once and kept in the user's cache."""
    directory = CACHE / "tests" / MINILM
    if not _is_whole(directory):
        fetch_backbone(MINILM, directory)
    return directory


def _is_whole(directory: Path) -> bool:
    """Say whether every pinned file is there with its hash."""
    files = {directory / pin.name: pin.sha256 for pin in BACKBONES[MINILM].pins}
    return all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in files.items())


TINY_CONFIG = {
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


@pytest.fixture(scope="session")
def tiny_backbone_dir(minilm_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a backbone of 1 M random weights under MiniLM's tokenizer, for quick real runs."""
    import torch
    from safetensors.torch import save_file

    from pipeline.model.bert import MinBert, config_from_json
    from pipeline.model.kernels import PLAIN
    from pipeline.model.weights import hugging_face_names

    folder = tmp_path_factory.mktemp("tiny-backbone")
    (folder / "config.json").write_text(json.dumps(TINY_CONFIG))
    (folder / "tokenizer.json").write_bytes((minilm_dir / "tokenizer.json").read_bytes())
    torch.manual_seed(0)
    config = config_from_json(folder / "config.json")
    state = MinBert(config, PLAIN).state_dict()
    names = hugging_face_names(config)
    save_file({names[name]: tensor for name, tensor in state.items()}, folder / "model.safetensors")
    return folder
