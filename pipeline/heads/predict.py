"""Computes predictions for a whole split, in its order, from batches sorted by length."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.encoder.batches import on_device, sorted_batches
from pipeline.encoder.device import fitting_in_memory
from pipeline.encoder.features import BATCH_REMEDY
from pipeline.heads.examples import Examples
from pipeline.heads.model import MultitaskBert, predictions_of


def predict(model: MultitaskBert, examples: Examples, batch_size: int) -> NDArray[np.float64]:
    """Return predictions on the labels' scale, float64 [N], in the order of the split.

    Raises:
        TrainingError: a batch does not fit into the device's memory.
    """
    outputs = head_outputs(model, examples, batch_size)
    return in_double(predictions_of(examples.split.corpus, outputs))


@torch.inference_mode()
def head_outputs(model: MultitaskBert, examples: Examples, batch_size: int) -> Tensor:
    """Return the outputs of the corpus's head, float [N] or [N, C], in the order of the split.

    Raises:
        TrainingError: a batch does not fit into the device's memory.
    """
    model.eval()
    corpus, lengths = examples.split.corpus, examples.split.lengths
    shape = (len(lengths),) if corpus.num_outputs == 1 else (len(lengths), corpus.num_outputs)
    outputs = torch.empty(shape, device=model.device)
    for chosen in on_device(sorted_batches(lengths, batch_size), lengths, model.device):
        with fitting_in_memory(chosen.described(corpus), model.device, BATCH_REMEDY):
            outputs[chosen.indices] = model(corpus.name, examples.batch(chosen)).float()
    return outputs


def in_double(values: Tensor) -> NDArray[np.float64]:
    """Copy values to the CPU and convert them there to float64, which not every device supports."""
    return values.cpu().double().numpy()
