"""Peer (b): Hugging Face's BertModel under torch's AdamW, and under its own Trainer."""

import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from benchmarks.turns import wait
from pipeline.core.tasks import Corpus, Mode
from pipeline.encoder.batches import Indices
from pipeline.heads.model import Head, loss_of
from pipeline.tokens.token_cache import TokenizedSplit

transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


class Model(nn.Module):
    """BertModel and a head: in, what a collator makes; out, the loss."""

    def __init__(self, corpus: Corpus, backbone_dir: Path, mode: Mode) -> None:
        super().__init__()
        self.corpus = corpus
        self.bert = transformers.BertModel.from_pretrained(backbone_dir, attn_implementation="sdpa")
        self.head = Head(corpus, self.bert.config.hidden_size, 0.3)
        self.frozen = mode == "pretrain"
        self.bert.requires_grad_(not self.frozen)

    def forward(self, labels: Tensor, **sentences: Tensor) -> dict[str, Tensor]:
        """Return the loss; sentences are `input_ids_0`, `attention_mask_0` and so on, [B, T]."""
        each = []
        for number in range(self.corpus.task.num_sentences):
            mask = sentences[f"attention_mask_{number}"]
            with torch.set_grad_enabled(not self.frozen):
                out = self.bert(sentences[f"input_ids_{number}"], attention_mask=mask)
            if self.corpus.task.pooling == "pooled":
                each.append(out.pooler_output)
            else:
                wide = mask[..., None].float()
                each.append((out.last_hidden_state * wide).sum(dim=1) / wide.sum(dim=1))
        return {"loss": loss_of(self.corpus, self.head(torch.stack(each, dim=1)), labels)}


class Collator:
    """Pads each sentence of a batch to the longest in its place."""

    def __init__(self, split: TokenizedSplit) -> None:
        self.split = split

    def __call__(self, indices: Sequence[int]) -> dict[str, Tensor]:
        """Return a batch of examples by their numbers."""
        examples = [self.split.sentences(int(index)) for index in indices]
        batch = {"labels": torch.from_numpy(self.split.labels[list(indices)])}
        for number, column in enumerate(zip(*examples, strict=True)):
            ids = [torch.from_numpy(sentence.astype("int64")) for sentence in column]
            ones = [torch.ones_like(sentence) for sentence in ids]
            pad = float(self.split.pad_id)
            batch[f"input_ids_{number}"] = nn.utils.rnn.pad_sequence(ids, True, pad)
            batch[f"attention_mask_{number}"] = nn.utils.rnn.pad_sequence(ones, True)
        return batch


def _rate(mode: Mode) -> float:
    return 1e-3 if mode == "pretrain" else 1e-5


class HuggingFaceLoop:
    """A plain loop with `torch.optim.AdamW` as it comes."""

    def __init__(
        self, split: TokenizedSplit, backbone_dir: Path, mode: Mode, device: torch.device
    ) -> None:
        self.device = device
        self.model = Model(split.corpus, backbone_dir, mode).to(device).train()
        self.collate = Collator(split)
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(parameters, lr=_rate(mode), eps=1e-6, weight_decay=0.0)

    def step(self, indices: Indices) -> None:
        """Take one training step."""
        batch = self.collate(indices.tolist())
        loss = self.model(**{name: each.to(self.device) for name, each in batch.items()})["loss"]
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


class _InOrder(transformers.Trainer):
    """A Trainer that takes its examples as they come, so that the batches are the benchmark's."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return torch.utils.data.SequentialSampler(train_dataset or self.train_dataset)  # type: ignore[arg-type]


class _Clock(transformers.TrainerCallback):
    """Writes down when each step ends."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Take the time; from the end of one step to the next is a step and its batch."""
        wait()
        self.ends.append(time.perf_counter())


class HuggingFaceTrainer:
    """`transformers.Trainer`, without evaluation, logging or saving."""

    def __init__(
        self, split: TokenizedSplit, backbone_dir: Path, mode: Mode, device: torch.device
    ) -> None:
        self.device, self.rate = device, _rate(mode)
        self.model = Model(split.corpus, backbone_dir, mode)
        self.collate = Collator(split)

    def turn(self, batches: Sequence[Indices]) -> list[float]:
        """Train on some batches of one size; return the seconds of each.

        The first is taken twice and timed once: before it the Trainer makes its optimizer.
        """
        arguments = transformers.TrainingArguments(
            output_dir=tempfile.gettempdir(),  # nothing is written
            per_device_train_batch_size=len(batches[0]),
            num_train_epochs=1,
            learning_rate=self.rate,
            lr_scheduler_type="constant",
            adam_epsilon=1e-6,
            max_grad_norm=0.0,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=self.device.type == "cpu",
            dataloader_pin_memory=self.device.type == "cuda",  # elsewhere it only warns
            remove_unused_columns=False,
        )
        clock = _Clock()
        examples = [int(index) for batch in (batches[0], *batches) for index in batch]
        data: Any = {"data_collator": self.collate, "train_dataset": examples}
        trainer = _InOrder(self.model, arguments, **data, callbacks=[clock])
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.train()
        return [end - start for start, end in pairwise(clock.ends)]
