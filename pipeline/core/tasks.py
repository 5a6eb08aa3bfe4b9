"""The three tasks and four corpora (sections 4.2 to 4.4 and Table 1 of the paper)."""

from dataclasses import dataclass
from typing import Literal, get_args

CorpusName = Literal["sst", "cfimdb", "quora", "sts"]
TaskName = Literal["sentiment", "paraphrase", "similarity"]
Split = Literal["train", "dev", "test"]
Mode = Literal["pretrain", "finetune"]
PairEncoding = Literal["joint", "separate"]
IdleHeads = Literal["step", "skip"]
Pooling = Literal["pooled", "mean"]
Objective = Literal["cross_entropy", "binary_cross_entropy", "mean_squared_error"]
Metric = Literal["accuracy", "pearson"]

SPLITS: tuple[Split, ...] = get_args(Split)
PAIR_ENCODINGS: tuple[PairEncoding, ...] = get_args(PairEncoding)
IDLE_HEADS: tuple[IdleHeads, ...] = get_args(IdleHeads)


@dataclass(frozen=True)
class Task:
    """What a head predicts, from which vectors, and with which objective."""

    name: TaskName
    title: str  # the name in the tables of the paper
    num_sentences: int  # 1, or 2 for a pair
    pooling: Pooling  # how token vectors become a sentence vector
    objective: Objective
    metric: Metric


@dataclass(frozen=True)
class Corpus:
    """One labeled data set. Labels range from 0 to `max_label`; the head has `num_outputs`."""

    name: CorpusName
    title: str
    task: Task
    max_label: int
    num_outputs: int

    @property
    def is_pair(self) -> bool:
        """Return whether an example has two sentences."""
        return self.task.num_sentences == 2

    @property
    def has_classes(self) -> bool:
        """Return whether labels are classes, numbered from 0."""
        return self.task.metric == "accuracy"


def feature_set(corpus: CorpusName, encoding: PairEncoding | None) -> str:
    """Return the name of the stored vectors of a corpus, such as `sst` or `quora-joint`."""
    return corpus if encoding is None else f"{corpus}-{encoding}"


SENTIMENT = Task("sentiment", "SST", 1, "pooled", "cross_entropy", "accuracy")
PARAPHRASE = Task("paraphrase", "PARA", 2, "mean", "binary_cross_entropy", "accuracy")
SIMILARITY = Task("similarity", "STS", 2, "pooled", "mean_squared_error", "pearson")

CORPORA: dict[CorpusName, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus("sst", "Stanford Sentiment Treebank", SENTIMENT, max_label=4, num_outputs=5),
        Corpus("cfimdb", "CFIMDB", SENTIMENT, max_label=1, num_outputs=2),
        Corpus("quora", "Quora", PARAPHRASE, max_label=1, num_outputs=1),
        Corpus("sts", "SemEval STS Benchmark", SIMILARITY, max_label=5, num_outputs=1),
    )
}

# the stored vectors of the frozen backbone; a pair corpus has one set for each encoding
FEATURE_SETS: dict[str, tuple[CorpusName, PairEncoding | None]] = {
    feature_set(name, encoding): (name, encoding)
    for name, corpus in CORPORA.items()
    for encoding in (PAIR_ENCODINGS if corpus.is_pair else (None,))
}
