"""minBERT with a head for each corpus (sections 4.2 to 4.5), its losses and predictions.

Letters in shapes: B examples, S sentences per example, hidden size D, C outputs.
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
    """The head of one task: dropout, a linear layer and, for similarity, ReLU.

    The two vectors of a pair are concatenated, [B, 2D]; a single sentence has one vector, [B, D].
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
            Logits, [B, C], for sentiment; logits, [B], for paraphrase; similarities >= 0, [B].
        """
        outputs: Tensor = self.linear(self.dropout(vectors.flatten(start_dim=1)))
        if self.corpus.task.objective == "cross_entropy":
            return outputs
        if self.corpus.task.objective == "mean_squared_error":
            outputs = F.relu(outputs)
        return outputs.squeeze(-1)


class MultitaskBert(nn.Module):
    """A head for each corpus on one backbone, which is trained with them or frozen (section 4.5).

    A frozen backbone is not part of the module: its sentence vectors never change, so the stage
    `features` computes them once.
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
        """Return the device of the parameters."""
        return next(self.parameters()).device

    def forward(self, corpus: CorpusName, inputs: Batch | Tensor) -> Tensor:
        """Return the outputs of a corpus's head.

        Args:
            corpus: the corpus whose head to use.
            inputs: token ids or, if the backbone is frozen, its sentence vectors, [B, S, D].

        Raises:
            ValueError: the inputs are token ids, but the backbone is frozen.
        """
        if isinstance(inputs, Batch):
            if self.backbone is None:
                raise ValueError("a frozen backbone's vectors come from `features`")
            inputs = encode(self.backbone, inputs, CORPORA[corpus].task.pooling)
        outputs: Tensor = self.heads[corpus](inputs.float())
        return outputs


def loss_of(corpus: Corpus, outputs: Tensor, labels: Tensor) -> Tensor:
    """Return a task's loss, averaged over a batch; labels are float [B].

    The loss is cross-entropy (section 4.2), binary cross-entropy of the logit, which includes the
    sigmoid (section 4.3), or the mean squared error against the 0-5 label (section 4.4).
    """
    match corpus.task.objective:
        case "cross_entropy":
            return F.cross_entropy(outputs.float(), labels.long())
        case "binary_cross_entropy":
            return F.binary_cross_entropy_with_logits(outputs.float(), labels)
        case "mean_squared_error":
            return F.mse_loss(outputs.float(), labels)


def predictions_of(corpus: Corpus, outputs: Tensor) -> Tensor:
    """Convert a head's outputs to predictions on the labels' scale, float [B].

    If an output is not finite, the prediction is NaN, because the argmax of such outputs would look
    like a valid class.
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
    """Convert the outputs of a classification head to class probabilities, float [B, C].

    Sentiment uses a softmax; for paraphrase, the sigmoid is the probability of the second class.
    """
    if corpus.task.objective == "binary_cross_entropy":
        yes = torch.sigmoid(outputs.float())
        return torch.stack([1 - yes, yes], dim=-1)
    return torch.softmax(outputs.float(), dim=-1)
