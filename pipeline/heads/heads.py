"""One head for each task (sections 4.2 to 4.4): dropout, a linear layer, and for similarity ReLU.

Shapes are written [B, S, D]: B examples, S sentences in each, D hidden size; C outputs.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.core.tasks import Corpus


class Head(nn.Module):
    """From an example's sentence vectors to what its task predicts.

    The vectors of a pair are put side by side, [B, 2D]; a sentence's stands alone.
    """

    def __init__(self, corpus: Corpus, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.corpus = corpus
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(corpus.task.num_sentences * hidden_size, corpus.num_outputs)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the task's outputs.

        Args:
            vectors: sentence vectors, float [B, S, D].

        Returns:
            Logits [B, C] for sentiment, a logit [B] for paraphrase, a similarity from 0 [B].
        """
        outputs: Tensor = self.linear(self.dropout(vectors.flatten(start_dim=1)))
        if self.corpus.task.objective == "cross_entropy":
            return outputs
        if self.corpus.task.objective == "mean_squared_error":
            outputs = F.relu(outputs)
        return outputs.squeeze(-1)


def loss_of(corpus: Corpus, outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of a task's objective over a batch.

    Cross-entropy (4.2), binary cross-entropy on the logit (4.3; the sigmoid is inside), mean
    squared error on the 0-5 label (4.4).

    Args:
        corpus: whose objective.
        outputs: of its head.
        labels: float [B].
    """
    match corpus.task.objective:
        case "cross_entropy":
            return F.cross_entropy(outputs.float(), labels.long())
        case "binary_cross_entropy":
            return F.binary_cross_entropy_with_logits(outputs.float(), labels)
        case "mean_squared_error":
            return F.mse_loss(outputs.float(), labels)


def predictions_of(corpus: Corpus, outputs: Tensor) -> Tensor:
    """Turn a head's outputs into predictions on the labels' scale, float [B].

    Where an output is no finite number the prediction is NaN: the largest of such outputs would
    be some class, and pass for an answer.
    """
    finite = outputs.isfinite()
    match corpus.task.objective:
        case "cross_entropy":
            return outputs.argmax(dim=-1).float().masked_fill(~finite.all(dim=-1), math.nan)
        case "binary_cross_entropy":
            return (torch.sigmoid(outputs.float()) > 0.5).float().masked_fill(~finite, math.nan)
        case "mean_squared_error":
            return outputs.float().masked_fill(~finite, math.nan)


def probabilities_of(corpus: Corpus, outputs: Tensor) -> Tensor:
    """Turn the outputs of a head for classes into their probabilities, float [B, C].

    Softmax over the classes of sentiment; of the two of paraphrase, the second's is the sigmoid.
    """
    if corpus.task.objective == "binary_cross_entropy":
        yes = torch.sigmoid(outputs.float())
        return torch.stack([1 - yes, yes], dim=-1)
    return torch.softmax(outputs.float(), dim=-1)
