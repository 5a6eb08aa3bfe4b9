"""Heads and losses: sections 4.2 to 4.4 on numbers small enough to check by hand."""

import math

import pytest
import torch

from pipeline.core.tasks import CORPORA, CorpusName
from pipeline.heads.heads import Head, loss_of, predictions_of, probabilities_of

D = 3


def head_of(corpus: CorpusName, weight: float = 0.0) -> Head:
    head = Head(CORPORA[corpus], D, dropout=0.3).eval()
    torch.nn.init.constant_(head.linear.weight, weight)
    torch.nn.init.constant_(head.linear.bias, 0.0)
    return head


def test_a_pair_is_its_two_vectors_side_by_side_and_similarity_goes_through_relu() -> None:
    vectors = torch.tensor([[[1.0, 0, 1], [0, 1, 1]], [[-1, 0, 0], [0, 0, 0]]])
    for corpus, outputs in (("quora", [54.0, -1.0]), ("sts", [54.0, 0.0])):
        head = head_of(corpus)
        with torch.no_grad():
            head.linear.weight.copy_(torch.tensor([[1.0, 2, 3, 10, 20, 30]]))
        assert head(vectors).tolist() == outputs


def test_dropout_is_applied_before_the_linear_layer_and_only_in_training() -> None:
    head = head_of("sts", weight=1.0)
    vectors = torch.ones(1000, 2, D)
    assert torch.equal(head(vectors), torch.full((1000,), 6.0))
    torch.manual_seed(0)
    dropped = head.train()(vectors)
    assert dropped.mean().item() == pytest.approx(6.0, abs=0.2)  # rescaled by 1 / 0.7
    assert dropped.unique().numel() > 3


@pytest.mark.parametrize(
    ("corpus", "outputs", "labels", "by_hand"),
    [
        ("sst", [[0.0] * 5] * 4, [0.0, 1, 2, 4], math.log(5)),
        # the sigmoid of the logit is inside
        ("quora", [2.0, -1.0], [1.0, 0.0], math.log((1 + math.exp(-2)) * (1 + math.exp(-1))) / 2),
        ("sts", [1.0, 4.0], [3.0, 5.0], (4 + 1) / 2),
    ],
)
def test_losses_by_hand(
    corpus: CorpusName, outputs: list[object], labels: list[float], by_hand: float
) -> None:
    loss = loss_of(CORPORA[corpus], torch.tensor(outputs), torch.tensor(labels))
    assert loss.item() == pytest.approx(by_hand)


def test_predictions_are_on_the_labels_scale() -> None:
    assert predictions_of(CORPORA["sst"], torch.eye(5)).tolist() == [0, 1, 2, 3, 4]
    # more classes than examples, lest the two sides be mixed up
    assert predictions_of(CORPORA["sst"], torch.tensor([[0.0, 2, 1, 0, 0]])).tolist() == [1]
    # evenly undecided is no paraphrase
    assert predictions_of(CORPORA["quora"], torch.tensor([-0.1, 0, 0.1])).tolist() == [0, 0, 1]
    assert predictions_of(CORPORA["sts"], torch.tensor([0.0, 3.5])).tolist() == [0, 3.5]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_no_numbers_are_no_prediction(value: float) -> None:
    logits = torch.eye(5)
    logits[2, 4] = value
    for corpus, outputs in (
        (CORPORA["sst"], logits),
        (CORPORA["quora"], torch.tensor([1.0, 1.0, value])),
        (CORPORA["sts"], torch.tensor([1.0, 1.0, value])),
    ):
        assert predictions_of(corpus, outputs).isnan().tolist()[:3] == [False, False, True]


def test_probabilities_by_hand() -> None:
    sst = probabilities_of(CORPORA["sst"], torch.tensor([[0.0, 0, 0, 0, math.log(6)]]))
    assert sst.tolist() == [pytest.approx([0.1, 0.1, 0.1, 0.1, 0.6])]
    quora = probabilities_of(CORPORA["quora"], torch.tensor([math.log(3)]))
    assert quora.tolist() == [pytest.approx([0.25, 0.75])]
