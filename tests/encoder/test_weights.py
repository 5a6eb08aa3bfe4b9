"""Weights: both styles of checkpoint load, and no tensor in a file is ignored.

test_bert.py tests that loaded weights compute the same.
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.core.schemas import TRAIN
from pipeline.encoder.kernels import PLAIN
from pipeline.encoder.weights import load_backbone, load_weights, save_weights
from pipeline.errors import BackboneError, SchemaError, TrainingError

CONFIG = transformers.BertConfig(
    vocab_size=40,
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    max_position_embeddings=10,
)
QUERY = "encoder.layer.1.attention.self.query.weight"
NORM = "embeddings.LayerNorm"


@pytest.fixture
def modern() -> dict[str, Tensor]:
    """Return tensors in the style of all-MiniLM-L6-v2."""
    torch.manual_seed(0)
    tensors = transformers.BertModel(CONFIG).state_dict()
    tensors = {name: tensor + 0.1 * torch.randn_like(tensor) for name, tensor in tensors.items()}
    return {**tensors, "embeddings.position_ids": torch.arange(10)[None]}


@pytest.fixture
def old(modern: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors in the style of bert-base-uncased: with a head and other names for norms."""
    for new, former in (("Norm.weight", "Norm.gamma"), ("Norm.bias", "Norm.beta")):
        modern = {name.replace(new, former): tensor for name, tensor in modern.items()}
    head = {"cls.seq_relationship.weight": torch.full((2, 16), torch.nan)}
    return {f"bert.{name}": tensor for name, tensor in modern.items()} | head


def directory_with(tensors: dict[str, Tensor], directory: Path) -> Path:
    CONFIG.to_json_file(directory / "config.json")
    save_file(tensors, directory / "model.safetensors")
    return directory


def test_both_styles_of_checkpoint_load_and_heads_are_left_out(
    modern: dict[str, Tensor], old: dict[str, Tensor], tmp_path: Path
) -> None:
    new, former = (
        load_backbone(directory_with(tensors, tmp_path), PLAIN).state_dict()
        for tensors in (modern, old)
    )
    assert all(torch.equal(new[name], former[name]) for name in new)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_loaded_backbone_is_float32_and_trainable_without_side_effects(
    modern: dict[str, Tensor], dtype: torch.dtype, tmp_path: Path
) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in modern.items()}
    path = directory_with(tensors, tmp_path) / "model.safetensors"
    before = torch.get_rng_state()
    model = load_backbone(tmp_path, PLAIN)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert {(p.dtype, p.requires_grad) for p in model.parameters()} == {(torch.float32, True)}
    content = b"\xff" * path.stat().st_size
    with path.open("r+b") as file:  # in place, as a copying tool might
        file.write(content)
    words = tensors["embeddings.word_embeddings.weight"]
    assert torch.equal(model.embeddings.word.weight, words.float())
    with torch.no_grad():
        model.pooler.dense.weight.zero_()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "tensor", "error"),
    [
        (QUERY, None, f"{QUERY} is missing"),
        ("heads.weight", torch.ones(2, 16), "heads.weight is surplus"),
        ("encoder.layer.2.output.dense.bias", torch.ones(16), "encoder.layer.2.* is surplus"),
        (QUERY, torch.ones(16, 8), rf"{QUERY} has shape \[16, 8\], not \[16, 16\]"),
        (f"{NORM}.gamma", torch.ones(16), f"{NORM}.weight is {NORM}.gamma under another name"),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    modern: dict[str, Tensor], name: str, tensor: Tensor | None, error: str, tmp_path: Path
) -> None:
    tensors = {**modern, name: torch.empty(0) if tensor is None else tensor}
    if tensor is None:
        del tensors[name]
    with pytest.raises(BackboneError, match=rf"model\.safetensors does not fit .*: {error}"):
        load_backbone(directory_with(tensors, tmp_path), PLAIN)


def test_several_problems_are_listed_by_the_files_names_and_the_rest_counted(
    modern: dict[str, Tensor], tmp_path: Path
) -> None:
    # 1 surplus, 1 misshapen; 38 of 5 embedding, 2 pooler and 2 x 16 layer tensors are missing
    few = {"extra": torch.ones(1), "bert.embeddings.LayerNorm.gamma": torch.ones(2)}
    error = r"bert\.embeddings\.LayerNorm\.gamma has shape \[2\], not \[16\]; and 35 more; take"
    with pytest.raises(BackboneError, match=rf"extra is surplus; .* is missing; {error}"):
        load_backbone(directory_with(few, tmp_path), PLAIN)


def small_module(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))


def test_saved_weights_are_read_back_with_their_metadata(tmp_path: Path) -> None:
    path = tmp_path / "run" / "model.safetensors"
    saved, loaded = small_module(0), small_module(1)
    saved[0].weight = nn.Parameter(torch.arange(6.0).view(3, 2).T)  # a view, not contiguous
    for size in range(9):  # every remainder of the header's padding
        metadata = {"schema": str(TRAIN), "run": "x" * size, "éß": "naïve “quotes” \\ \n"}
        save_weights(saved, path, metadata)
        assert load_weights(loaded, path) == metadata
        with safe_open(path, framework="pt") as file:  # with the library
            assert file.metadata() == metadata
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_weights_of_a_different_version_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(small_module(0), path, {"schema": "train/0"})
    with pytest.raises(SchemaError, match="its schema is train/0, this one reads train/3"):
        load_weights(small_module(0), path)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    names = "abcdefghij"
    save_weights(small_module(0), tmp_path / "1", {name: name for name in names})
    save_weights(small_module(0), tmp_path / "2", {name: name for name in reversed(names)})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_weights_of_a_different_model_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(small_module(0), path, {})
    other = nn.Sequential(nn.Linear(4, 2), nn.Identity(), nn.Linear(2, 1, bias=False))
    surplus, misfits = "1.bias is surplus; 1.weight is surplus", r"0.weight has shape \[2, 3\]"
    error = f"does not fit the model: {surplus}; {misfits}, .*2.weight is missing"
    with pytest.raises(TrainingError, match=error):
        load_weights(other, path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "pickled": lambda path: path.write_bytes(pickle.dumps({"pooler.dense.bias": [0.0] * 100})),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "torch's own": lambda path: torch.save({"pooler.dense.bias": torch.zeros(16)}, path),
    "empty": lambda path: path.write_bytes(b""),
    "missing": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_missing_or_not_safetensors_is_rejected(
    modern: dict[str, Tensor], damage: str, tmp_path: Path
) -> None:
    path = directory_with(modern, tmp_path) / "model.safetensors"
    DAMAGES[damage](path)
    error = r"model\.safetensors is (not a whole safetensors file|missing.*safetensors files only)"
    with pytest.raises(BackboneError, match=error):
        load_backbone(tmp_path, PLAIN)
    with pytest.raises(TrainingError, match=error):
        load_weights(small_module(0), path)
