"""curves.csv: a line for each run, corpus and epoch; what is undefined is empty, not 0."""

from pipeline.reporting.curves import curves_csv
from pipeline.reporting.results import EpochScore


def test_every_epoch_has_a_line_and_an_undefined_score_is_empty() -> None:
    history = [EpochScore(1, "sts", None, 3, "dead"), EpochScore(2, "sts", 0.25, 3, "")]
    assert curves_csv({"sts-pretrain": history}).splitlines() == [
        "run,corpus,epoch,dev_score",
        "sts-pretrain,sts,1,",
        "sts-pretrain,sts,2,0.250000",
    ]
