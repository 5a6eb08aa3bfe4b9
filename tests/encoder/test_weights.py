"""Weights: both styles of checkpoint load, and nothing in a file goes unaccounted for."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
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
    initializer_range=0.2,
    attn_implementation="eager",
)
IDS = torch.tensor([[1, 5, 9, 2], [1, 7, 2, 0]])
MASK = IDS > 0
QUERY = "encoder.layer.1.attention.self.query.weight"


def random_pretraining_model() -> transformers.BertForPreTraining:
    torch.manual_seed(0)
    model = transformers.BertForPreTraining(CONFIG)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(scope="module")
def theirs() -> transformers.BertForPreTraining:
    return random_pretraining_model()


@pytest.fixture
def modern(theirs: transformers.BertForPreTraining) -> dict[str, Tensor]:
    """Return tensors as all-MiniLM-L6-v2 has them."""
    tensors = {name: tensor.clone() for name, tensor in theirs.bert.state_dict().items()}
    return {**tensors, "embeddings.position_ids": torch.arange(10)[None]}


@pytest.fixture
def old(theirs: transformers.BertForPreTraining) -> dict[str, Tensor]:
    """Return tensors as bert-base-uncased has them."""

    def old_name(name: str) -> str:
        return name.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta")

    tensors = {old_name(name): tensor.clone() for name, tensor in theirs.state_dict().items()}
    return {**tensors, "bert.embeddings.position_ids": torch.arange(10)[None]}


def directory_with(tensors: dict[str, Tensor], directory: Path) -> Path:
    CONFIG.to_json_file(directory / "config.json")
    save_file(tensors, directory / "model.safetensors")
    return directory


def assert_same_outputs(directory: Path, theirs: transformers.BertForPreTraining) -> None:
    with torch.no_grad():
        ours = load_backbone(directory, PLAIN).eval()
        hidden = ours(IDS, MASK)
        pooled = ours.pooler(hidden[:, 0])
        their = theirs.bert(IDS, attention_mask=MASK.long())
    assert (hidden - their.last_hidden_state)[MASK].abs().max() < 1e-5
    assert (pooled - their.pooler_output).abs().max() < 1e-5


@pytest.mark.parametrize("style", ["modern", "old", "classifier", "qa_outputs"])
def test_every_style_of_checkpoint_loads_and_its_heads_are_left_out(
    style: str,
    modern: dict[str, Tensor],
    old: dict[str, Tensor],
    theirs: transformers.BertForPreTraining,
    tmp_path: Path,
) -> None:
    head = {f"{style}.weight": torch.full((2, 16), torch.nan), f"{style}.bias": torch.ones(2)}
    prefixed = {f"bert.{name}": tensor for name, tensor in modern.items()}
    tensors = {"modern": modern, "old": old}.get(style, prefixed | head)
    assert_same_outputs(directory_with(tensors, tmp_path), theirs)


def test_names_of_bert_base_uncased_are_the_old_ones(old: dict[str, Tensor]) -> None:
    """A few of the real file's names, written out, so that `old` cannot drift from it."""
    real = {
        "bert.embeddings.LayerNorm.gamma",
        "bert.encoder.layer.0.attention.output.LayerNorm.beta",
        "bert.pooler.dense.weight",
        "cls.predictions.transform.LayerNorm.gamma",
        "cls.seq_relationship.weight",
    }
    assert real <= old.keys()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_loaded_backbone_is_float32_trainable_and_leaves_the_random_state_alone(
    modern: dict[str, Tensor], dtype: torch.dtype, tmp_path: Path
) -> None:
    tensors = {name: tensor.to(dtype) for name, tensor in modern.items()}
    before = torch.get_rng_state()
    model = load_backbone(directory_with(tensors, tmp_path), PLAIN)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    assert {(p.dtype, p.requires_grad) for p in model.parameters()} == {(torch.float32, True)}
    words = tensors["embeddings.word_embeddings.weight"]
    assert torch.equal(model.embeddings.word.weight, words.float())


def test_model_and_file_are_apart_once_loaded(modern: dict[str, Tensor], tmp_path: Path) -> None:
    path = directory_with(modern, tmp_path) / "model.safetensors"
    content = path.read_bytes()
    model = load_backbone(tmp_path, PLAIN)
    with path.open("r+b") as file:  # in place, as a copying tool might
        file.write(b"\xff" * len(content))
    assert torch.equal(model.pooler.dense.bias, modern["pooler.dense.bias"])
    with torch.no_grad():
        model.pooler.dense.weight.zero_()
    assert path.read_bytes() == b"\xff" * len(content)


@pytest.mark.parametrize(
    ("name", "tensor", "said"),
    [
        (QUERY, None, f"{QUERY} is missing"),
        ("heads.weight", torch.ones(2, 16), "heads.weight is surplus"),
        ("encoder.layer.2.output.dense.bias", torch.ones(16), "encoder.layer.2.* is surplus"),
        (QUERY, torch.ones(16, 8), rf"{QUERY} has shape \[16, 8\], not \[16, 16\]"),
        (
            QUERY,
            torch.ones(16, 16, dtype=torch.int64),
            f"{QUERY} has type I64, not one of F64, F32, F16, BF16",
        ),
        (QUERY, torch.full((16, 16), torch.nan), f"{QUERY} holds values .* not finite"),
        (
            "embeddings.LayerNorm.gamma",
            torch.ones(16),
            "embeddings.LayerNorm.weight is embeddings.LayerNorm.gamma under another name",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_named(
    modern: dict[str, Tensor], name: str, tensor: Tensor | None, said: str, tmp_path: Path
) -> None:
    tensors = {**modern, name: tensor} if tensor is not None else {**modern}
    if tensor is None:
        del tensors[name]
    with pytest.raises(BackboneError, match=rf"model\.safetensors does not fit .*: {said}"):
        load_backbone(directory_with(tensors, tmp_path), PLAIN)


def test_several_problems_are_named_and_the_rest_counted(
    modern: dict[str, Tensor], tmp_path: Path
) -> None:
    # 1 surplus, and of 5 embedding, 2 pooler and 2 x 16 layer tensors all but one missing: 39
    few = {"extra": torch.ones(1), "pooler.dense.weight": modern["pooler.dense.weight"]}
    with pytest.raises(BackboneError, match=r"extra is surplus; .* is missing; and 34 more; take"):
        load_backbone(directory_with(few, tmp_path), PLAIN)


def test_a_wrong_tensor_is_named_as_its_file_names_it(
    old: dict[str, Tensor], tmp_path: Path
) -> None:
    old["bert.embeddings.LayerNorm.gamma"] = torch.ones(2)
    said = r"bert\.embeddings\.LayerNorm\.gamma has shape \[2\], not \[16\]"
    with pytest.raises(BackboneError, match=said):
        load_backbone(directory_with(old, tmp_path), PLAIN)


def pickled(path: Path) -> None:
    path.write_bytes(pickle.dumps({"pooler.dense.bias": [0.0] * 100}))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def torch_saved(path: Path) -> None:
    torch.save({"pooler.dense.bias": torch.zeros(16)}, path)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def small_module(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2))


def test_saved_weights_come_back_with_their_metadata(tmp_path: Path) -> None:
    path = tmp_path / "run" / "model.safetensors"
    saved, loaded = small_module(0), small_module(1)
    for size in range(9):  # every remainder of the header's padding
        metadata = {"schema": str(TRAIN), "run": "x" * size, "éß": "naïve “quotes” \\ \n"}
        save_weights(saved, path, metadata)
        assert load_weights(loaded, path) == metadata
        with safe_open(path, framework="pt") as file:  # as the library reads it
            assert file.metadata() == metadata
        assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(small_module(0), path, {"schema": "train/0"})
    with pytest.raises(SchemaError, match="its schema is train/0, this one reads train/3"):
        load_weights(small_module(0), path)


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    names = "abcdefghij"
    save_weights(small_module(0), tmp_path / "1", {name: name for name in names})
    save_weights(small_module(0), tmp_path / "2", {name: name for name in reversed(names)})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_transposed_view_is_saved_by_its_values(tmp_path: Path) -> None:
    module = nn.Linear(3, 2)
    module.weight = nn.Parameter(torch.arange(6.0).view(3, 2).T)
    save_weights(module, tmp_path / "w", {})
    assert load_file(tmp_path / "w")["weight"].tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]


def test_nothing_is_left_of_a_failed_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(small_module(0), path, {})
    content = path.read_bytes()

    def disk_is_full(_: Path, __: bytes) -> int:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", disk_is_full)
    with pytest.raises(OSError, match="no space"):
        save_weights(small_module(1), path, {})
    assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (nn.Sequential(nn.Linear(3, 2)), "the model: 1.bias is surplus; 1.weight is surplus"),
        (nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2), nn.Linear(2, 1)), "2.weight is missing"),
        (nn.Sequential(nn.Linear(4, 2), nn.LayerNorm(2)), r"0.weight has shape \[2, 3\]"),
    ],
)
def test_weights_of_another_model_are_refused(other: nn.Module, said: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(small_module(0), path, {})
    with pytest.raises(TrainingError, match=rf"model\.safetensors does not fit .*{said}"):
        load_weights(other, path)


@pytest.mark.parametrize("damage", [pickled, truncated, torch_saved, emptied, Path.unlink])
def test_a_file_that_is_missing_or_not_whole_safetensors_is_refused(
    modern: dict[str, Tensor], damage: Callable[[Path], None], tmp_path: Path
) -> None:
    path = directory_with(modern, tmp_path) / "model.safetensors"
    damage(path)
    said = r"model\.safetensors is (not a whole safetensors file|missing.*safetensors files only)"
    with pytest.raises(BackboneError, match=said):
        load_backbone(tmp_path, PLAIN)
    with pytest.raises(TrainingError, match=said):
        load_weights(small_module(0), path)
