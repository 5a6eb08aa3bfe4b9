"""The tokenizer: the same ids as Hugging Face's, and rejected files.

tests/tokens/test_token_cache_properties.py tests the layout and cutting of texts.
"""

import re
from pathlib import Path
from textwrap import dedent

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import BertProcessing, TemplateProcessing

from pipeline.core.tokenizer import load_tokenizer, tokenize
from pipeline.errors import BackboneError


def test_agrees_with_huggingface_on_odd_text(minilm_dir: Path) -> None:
    from transformers import BertTokenizerFast

    reference = BertTokenizerFast(tokenizer_file=str(minilm_dir / "tokenizer.json"))
    texts = [
        "Señor naïve — it 's 3.14 %",
        "日本 emoji 🙂 tab\tnew\nline",
        "a" * 300,
        "[SEP] [MASK]",
    ]
    tokenized = tokenize(load_tokenizer(minilm_dir / "tokenizer.json"), texts, max_length=512)
    for i, text in enumerate(texts):
        ids = tokenized.input_ids[tokenized.offsets[i] : tokenized.offsets[i + 1]]
        assert ids.tolist() == reference(text)["input_ids"]


ADDING = Path(__file__).parents[2] / "docs/adding.md"
WORDS = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "film": 4}
CLS, SEP = ("[CLS]", 2), ("[SEP]", 3)


def saved(
    folder: Path, words: dict[str, int], post_processor: object = None, unknown: str = "[UNK]"
) -> Path:
    tokenizer = Tokenizer(WordLevel(words, unk_token=unknown))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.enable_truncation(4)
    if post_processor:
        tokenizer.post_processor = post_processor
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_a_tokenizer_without_special_tokens_or_that_cannot_encode_is_rejected(
    tmp_path: Path,
) -> None:
    path = saved(tmp_path, {"[PAD]": 0, "[UNK]": 1})
    with pytest.raises(BackboneError, match=r"lacks the special tokens \[CLS\], \[SEP\]; take"):
        load_tokenizer(path)
    saved(tmp_path, WORDS, TemplateProcessing("[CLS] $A [SEP]", special_tokens=[CLS, SEP]), "[X]")
    with pytest.raises(BackboneError, match=r"tokenizer\.json cannot encode 'a film': WordLevel"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    ("post_processor", "becomes"),
    [
        (None, ["[UNK]", "film"]),
        (TemplateProcessing("[CLS] $A", special_tokens=[CLS]), ["[CLS]", "[UNK]", "film"]),
        (TemplateProcessing("$A [SEP]", special_tokens=[SEP]), ["[UNK]", "film", "[SEP]"]),
        (BertProcessing(CLS, SEP), ["[SEP]", "[UNK]", "film", "[CLS]"]),
    ],
)
def test_a_tokenizer_must_put_cls_first_and_sep_last(
    post_processor: object, becomes: list[str], tmp_path: Path
) -> None:
    path = saved(tmp_path, WORDS, post_processor)
    message = f"{path} does not put [CLS] first and [SEP] last: 'a film' becomes {becomes}; give it"
    with pytest.raises(BackboneError, match=re.escape(message)):
        load_tokenizer(path)


def test_the_documented_code_makes_a_tokenizer_fit_and_its_limit_is_removed(
    here: Path,
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", ADDING.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = [block for block in blocks if "TemplateProcessing" in block]
    exec(dedent(code), {"tokenizer": Tokenizer.from_file(str(saved(here, WORDS)))})  # noqa: S102
    for path in (here / "tokenizer.json", saved(here, WORDS, BertProcessing(SEP, CLS))):
        assert load_tokenizer(path).encode("film " * 9).ids == [2, *[4] * 9, 3]
