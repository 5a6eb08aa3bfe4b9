#!/usr/bin/env bash
# tokenizers 0.23.3 with transformers 5.23.0: naming [CLS] and [SEP] does not add them to the input.
#
# Train a WordPiece tokenizer with `tokenizers` and wrap it in `PreTrainedTokenizerFast` with cls_token
# and sep_token. `add_special_tokens=True` then adds no special tokens, because only a post-processor
# adds them, and training does not create one. Padding, masking and a BERT model all run without an
# error, but the "[CLS] vector" is that of the first word. To check, call `num_special_tokens_to_add()`.
# Observed: 0 special tokens without a template, 2 with one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet tokenizers==0.23.3 transformers==5.23.0
"$work/venv/bin/python" - <<'PYTHON'
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer
from transformers import PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
NAMED = {name: f"[{name[:3].upper()}]" for name in ("pad_token", "unk_token", "cls_token", "sep_token")}


def special_tokens(tokenizer: Tokenizer) -> tuple[int, list[str]]:
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **NAMED)
    ids = wrapped("a fine film", add_special_tokens=True).input_ids
    tokens = wrapped.convert_ids_to_tokens(ids)
    return wrapped.num_special_tokens_to_add(), [token for token in tokens if token in SPECIAL]


tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
tokenizer.pre_tokenizer = Whitespace()
tokenizer.train_from_iterator(["a fine film", "a dull film"], WordPieceTrainer(special_tokens=SPECIAL))
trained = special_tokens(tokenizer)
tokenizer.post_processor = TemplateProcessing(
    single="[CLS] $A [SEP]", special_tokens=[(name, SPECIAL.index(name)) for name in SPECIAL[2:]]
)
templated = special_tokens(tokenizer)
print(f"special tokens: {trained} as trained, {templated} with a template")
if (trained, templated) != ((0, []), (2, ["[CLS]", "[SEP]"])):
    raise SystemExit("changed: special tokens are no longer added as described")
PYTHON
