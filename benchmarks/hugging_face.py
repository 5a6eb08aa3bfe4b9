"""Peer (b): Hugging Face's BertModel with SDPA, trained in a plain loop with torch's AdamW."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.textbook import Textbook

transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class HuggingFaceLoop(Textbook):
    """The textbook's loop with Hugging Face's encoder and torch's padding and optimizer."""

    def load(self, folder: Path) -> Any:
        """Return the encoder."""
        return transformers.BertModel.from_pretrained(folder, attn_implementation="sdpa")

    def optimizer_of(self, parameters: Iterable[nn.Parameter], rate: float) -> Any:
        """Return torch's AdamW with default settings, except for epsilon and weight decay."""
        return torch.optim.AdamW(parameters, lr=rate, eps=1e-6, weight_decay=0.0)

    def vectors(self, sentences: Sequence[NDArray[np.int32]]) -> Tensor:
        """Pad a batch's sentences to the longest and encode them, float [B, D]."""
        ids = [torch.from_numpy(sentence.astype("int64")) for sentence in sentences]
        ones = [torch.ones_like(sentence) for sentence in ids]
        padded = nn.utils.rnn.pad_sequence(ids, True, float(self.split.pad_id)).to(self.device)
        mask = nn.utils.rnn.pad_sequence(ones, True).to(self.device)
        out = self.bert(padded, attention_mask=mask)
        if self.corpus.task.pooling == "pooled":
            pooled: Tensor = out.pooler_output
            return pooled
        wide = mask[..., None].float()
        mean: Tensor = (out.last_hidden_state * wide).sum(dim=1) / wide.sum(dim=1)
        return mean
