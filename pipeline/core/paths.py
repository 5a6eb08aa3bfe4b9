"""The path of every file of the pipeline. File names occur only here.

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
LOGS = Path(".logs")  # of parallel stages
DVC_DIR = Path(".dvc")
DVC_INDEX = DVC_DIR / "tmp/site"  # DVC's index, which is pickled

REPORTS = Path("reports")
SUMMARY = REPORTS / "summary.json"
COMPARISON = REPORTS / "compare.md"  # of `make compare`
DEAD_HEADS = REPORTS / "dead-heads.json"  # of `python -m benchmarks.dead_heads`
SITE = Path("site")  # of `make site`, not in git
CURVES = REPORTS / "curves.csv"  # for `dvc plots`
PLOTS = Path("dvc_plots") / "index.html"  # of `make plots`, where DVC puts its own

# names of files in the folder of a backbone, a run, a trial or a corpus
CONFIG = "config.json"
WEIGHTS = "model.safetensors"  # of a run in pretrain mode: only its heads
TOKENIZER = "tokenizer.json"
HISTORY = "history.csv"  # one line per epoch and corpus
RUN_SUMMARY = "run.json"
TRIAL_SCORES = "scores.json"
ORIGIN = "origin.json"

RECORDS = "records"  # folder in that of a report

# files of the records of a report that are not copies from `data/`
RECORDED_PARAMS = Path("params.json")
RECORDED_TRIALS = Path("trials.json")
RECORDED_TEXTS = Path("texts.json")
RECORDED_DIFFERENCES = Path("differences.json")


def corpus_dir(corpus: str) -> Path:
    """Return the folder of a corpus in the uniform schema."""
    return CORPORA / corpus


def split_csv(corpus_dir: Path, split: str) -> Path:
    """Return the file of one split inside a corpus folder."""
    return corpus_dir / f"{split}.csv"


def validation_json(corpus: str) -> Path:
    """Return the findings of one corpus."""
    return VALIDATION / f"{corpus}.json"


def tokens_dir(corpus: str) -> Path:
    """Return the token cache of one corpus."""
    return TOKENS / corpus


def features_dir(feature_set: str) -> Path:
    """Return the stored vectors of one corpus, for one encoding of its pairs."""
    return FEATURES / feature_set


def inputs_json(run: str) -> Path:
    """Return the list of files, with hashes, that a run reads."""
    return INPUTS / f"{run}.json"


def run_dir(run: str) -> Path:
    """Return the folder of a trained run."""
    return RUNS / run


def scores_json(run: str) -> Path:
    """Return the scores of a run."""
    return SCORES / f"{run}.json"


def predictions_dir(run: str) -> Path:
    """Return the folder of a run's predictions."""
    return PREDICTIONS / run


def trial_dir(trial: str) -> Path:
    """Return the folder with the results of a trial."""
    return TRIED / trial


def stage_time(profile: str, stage: str) -> Path:
    """Return the time and memory of the last run of a stage."""
    return TIMES / profile / f"{stage}.json"


def stage_log(stage: str) -> Path:
    """Return the log of a stage that ran in parallel with others."""
    return LOGS / f"{stage}.log"


def report_dir(profile: str) -> Path:
    """Return the folder of a profile's report."""
    return REPORTS / profile


def recorded(path: Path) -> Path:
    """Return the path of a file within the records of a report."""
    return path.relative_to(DATA) if path.is_relative_to(DATA) else path


def predictions_csv(run: str, corpus: str, split: str) -> Path:
    """Return a run's predictions for one split of a corpus, in the course's format."""
    return predictions_dir(run) / f"{corpus}-{split}.csv"
