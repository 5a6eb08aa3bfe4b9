"""Defines the path of every file of the pipeline; no other module contains file names.

All paths are relative to the repository root, where DVC runs every stage.
"""

from pathlib import Path

PARAMS = Path("params.yaml")
TRIALS = Path("trials.yaml")

DATA = Path("data")
CORPORA = DATA / "corpora"
BACKBONE = DATA / "backbone"
VALIDATION = DATA / "validation"
TOKENS = DATA / "tokens"
FEATURES = DATA / "features"
INPUTS = DATA / "inputs"
RUNS = DATA / "runs"
SCORES = DATA / "scores"
PREDICTIONS = DATA / "predictions"
TRIED = DATA / "trials"

DVC_YAML = Path("dvc.yaml")
DVC_LOCK = Path("dvc.lock")
CHECKPOINTS = Path(".checkpoints")  # not an out, because DVC deletes outs before it runs a command
TIMES = Path(".times")  # not an out, because no result depends on it
LOGS = Path(".logs")  # the output of parallel stages
DVC_DIR = Path(".dvc")
DVC_INDEX = DVC_DIR / "tmp/site"  # DVC's index, a pickle

REPORTS = Path("reports")
SUMMARY = REPORTS / "summary.json"
COMPARISON = REPORTS / "compare.md"  # written by `make compare`
DEAD_HEADS = REPORTS / "dead-heads.json"  # written by `python -m benchmarks.dead_heads`
SITE = Path("site")  # written by `make site`; not in git
CURVES = REPORTS / "curves.csv"  # for `dvc plots`
PLOTS = Path("dvc_plots") / "index.html"  # written by `make plots`, to DVC's default folder

# names of files in the folders of backbones, runs, trials and corpora
CONFIG = "config.json"
WEIGHTS = "model.safetensors"  # a run in pretrain mode stores only its heads
TOKENIZER = "tokenizer.json"
HISTORY = "history.csv"  # one line per epoch and corpus
RUN_SUMMARY = "run.json"
TRIAL_SCORES = "scores.json"
ORIGIN = "origin.json"

RECORDS = "records"  # folder inside a report's folder

# files in the records of a report that are not copied from `data/`
RECORDED_PARAMS = Path("params.json")
RECORDED_TRIALS = Path("trials.json")
RECORDED_TEXTS = Path("texts.json")
RECORDED_DIFFERENCES = Path("differences.json")


def corpus_dir(corpus: str) -> Path:
    """Return the folder that contains a corpus in the uniform schema."""
    return CORPORA / corpus


def split_csv(corpus_dir: Path, split: str) -> Path:
    """Return the file of one split in a corpus folder."""
    return corpus_dir / f"{split}.csv"


def validation_json(corpus: str) -> Path:
    """Return the file with the findings about one corpus."""
    return VALIDATION / f"{corpus}.json"


def tokens_dir(corpus: str) -> Path:
    """Return the folder with the token cache of one corpus."""
    return TOKENS / corpus


def features_dir(feature_set: str) -> Path:
    """Return the folder with the sentence vectors of one corpus, for one encoding of its pairs."""
    return FEATURES / feature_set


def inputs_json(run: str) -> Path:
    """Return the file that lists the files that a run reads, with their hashes."""
    return INPUTS / f"{run}.json"


def run_dir(run: str) -> Path:
    """Return the folder of a trained run."""
    return RUNS / run


def scores_json(run: str) -> Path:
    """Return the file with the scores of a run."""
    return SCORES / f"{run}.json"


def predictions_dir(run: str) -> Path:
    """Return the folder with a run's predictions."""
    return PREDICTIONS / run


def trial_dir(trial: str) -> Path:
    """Return the folder with the results of a trial."""
    return TRIED / trial


def stage_time(profile: str, stage: str) -> Path:
    """Return the file with the time and memory that the last run of a stage needed."""
    return TIMES / profile / f"{stage}.json"


def stage_log(stage: str) -> Path:
    """Return the log file of a stage that runs in parallel with others."""
    return LOGS / f"{stage}.log"


def report_dir(profile: str) -> Path:
    """Return the folder with a profile's report."""
    return REPORTS / profile


def recorded(path: Path) -> Path:
    """Return the path of a file, relative to the records of a report."""
    return path.relative_to(DATA) if path.is_relative_to(DATA) else path


def predictions_csv(run: str, corpus: str, split: str) -> Path:
    """Return the file with a run's predictions for a split of a corpus, in the course's format."""
    return predictions_dir(run) / f"{corpus}-{split}.csv"
