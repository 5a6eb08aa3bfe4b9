"""minBERT with a head for each corpus (sections 4.2 to 4.5): from a batch to outputs and loss.

Shapes are written [B, S, D]: B examples, S sentences in each, D hidden size; C outputs.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (the field's name for it)

from pipeline.core.tasks import CORPORA, Corpus, CorpusName
from pipeline.encoder.batches import Batch
from pipeline.encoder.bert import MinBert
from pipeline.encoder.pooling import encode
from pipeline.encoder.thread_order import SerialLinear


class Head(nn.Module):
    """The head of one task: dropout, a linear layer, and for similarity ReLU.

    The vectors of a pair are put side by side, [B, 2D]; a sentence's stands alone.
    """

    def __init__(self, corpus: Corpus, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.corpus = corpus
        self.dropout = nn.Dropout(dropout)
        self.linear = SerialLinear(corpus.task.num_sentences * hidden_size, corpus.num_outputs)

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


class MultitaskBert(nn.Module):
    """A head for each corpus, over one backbone that learns with them or is frozen (section 4.5).

    A frozen backbone is not part of the module: its sentence vectors never change and are
    computed once, by `features`.
    """

    def __init__(
        self,
        backbone: MinBert | None,
        corpora: Sequence[CorpusName],
        hidden_size: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.heads = nn.ModuleDict(
            {name: Head(CORPORA[name], hidden_size, dropout) for name in corpora}
        )

    @property
    def device(self) -> torch.device:
        """Return where the model computes."""
        return next(self.parameters()).device

    def forward(self, corpus: CorpusName, inputs: Batch | Tensor) -> Tensor:
        """Return the outputs of a corpus's head.

        Args:
            corpus: whose head.
            inputs: token ids; or, if the backbone is frozen, its sentence vectors, [B, S, D].

        Raises:
            ValueError: token ids are given, and the backbone is frozen.
        """
        if isinstance(inputs, Batch):
            if self.backbone is None:
                raise ValueError("a frozen backbone's vectors come from `features`")
            inputs = encode(self.backbone, inputs, CORPORA[corpus].task.pooling)
        outputs: Tensor = self.heads[corpus](inputs.float())
        return outputs


def loss_of(corpus: Corpus, outputs: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of a task's objective over a batch.

    Cross-entropy (4.2), binary cross-entropy on the logit (4.3; the sigmoid is inside), mean
    squared error on the 0-5 label (4.4). Labels are float [B].
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

    Where an output is not finite the prediction is NaN: the largest of such outputs would be some
    class, and pass for an answer.
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
