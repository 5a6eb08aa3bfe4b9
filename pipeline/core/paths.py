"""Where every file of the pipeline is: the only place that spells file names.

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
CHECKPOINTS = Path(".checkpoints")  # no out: DVC deletes those before it runs a command
TIMES = Path(".times")  # no out either: outs do not tell how long they took
LOGS = Path(".logs")  # of stages that ran at once
DVC_DIR = Path(".dvc")
DVC_INDEX = DVC_DIR / "tmp/site"  # DVC's own, in pickles

REPORTS = Path("reports")
SUMMARY = REPORTS / "summary.json"
COMPARISON = REPORTS / "compare.md"  # of `make compare`
DEAD_HEADS = REPORTS / "dead-heads.json"  # of `python -m benchmarks.dead_heads`
SITE = Path("site")  # of `make site`, not in git
CURVES = REPORTS / "curves.csv"  # for `dvc plots`
PLOTS = Path("dvc_plots") / "index.html"  # of `make plots`, where DVC puts its own

# what only the records of a report have, in their folder; all else is there as in `data/`
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


def corpus_origin(corpus_dir: Path) -> Path:
    """Return the note on where a corpus came from and what was done to it."""
    return corpus_dir / "origin.json"


def validation_json(corpus: str) -> Path:
    """Return the findings of one corpus."""
    return VALIDATION / f"{corpus}.json"


def tokens_dir(corpus: str) -> Path:
    """Return the token cache of one corpus."""
    return TOKENS / corpus


def features_dir(feature_set: str) -> Path:
    """Return the frozen backbone's vectors of one corpus, under one encoding of its pairs."""
    return FEATURES / feature_set


def inputs_json(run: str) -> Path:
    """Return the list of files, with hashes, that a run reads."""
    return INPUTS / f"{run}.json"


def run_dir(run: str) -> Path:
    """Return the folder of a trained run."""
    return RUNS / run


def backbone_config(backbone_dir: Path) -> Path:
    """Return the backbone's config.json."""
    return backbone_dir / "config.json"


def backbone_weights(backbone_dir: Path) -> Path:
    """Return the backbone's weights."""
    return backbone_dir / "model.safetensors"


def backbone_tokenizer(backbone_dir: Path) -> Path:
    """Return the backbone's tokenizer."""
    return backbone_dir / "tokenizer.json"


def run_weights(run_dir: Path) -> Path:
    """Return a run's trained weights: heads alone when the backbone was frozen."""
    return run_dir / "model.safetensors"


def run_history(run_dir: Path) -> Path:
    """Return a run's history: one line per epoch and corpus."""
    return run_dir / "history.csv"


def run_summary(run_dir: Path) -> Path:
    """Return what a run did: best epoch, counts, device."""
    return run_dir / "run.json"


def scores_json(run: str) -> Path:
    """Return the scores of a run."""
    return SCORES / f"{run}.json"


def predictions_dir(run: str) -> Path:
    """Return the folder of a run's predictions."""
    return PREDICTIONS / run


def trial_dir(trial: str) -> Path:
    """Return the folder of what a trial came to."""
    return TRIED / trial


def trial_scores(trial_dir: Path) -> Path:
    """Return the scores of a trial, and what it did."""
    return trial_dir / "scores.json"


def times_dir(profile: str) -> Path:
    """Return the folder of what a profile's stages took."""
    return TIMES / profile


def stage_time(profile: str, stage: str) -> Path:
    """Return what a stage took when it last ran."""
    return times_dir(profile) / f"{stage}.json"


def stage_log(stage: str) -> Path:
    """Return what a stage and DVC told, where several ran at once."""
    return LOGS / f"{stage}.log"


def report_dir(profile: str) -> Path:
    """Return the folder of a profile's report."""
    return REPORTS / profile


def records_dir(report_dir: Path) -> Path:
    """Return the folder of what a report's pages are rendered from."""
    return report_dir / "records"


def recorded(path: Path) -> Path:
    """Return where records keep a file of `data/`, or one that only they have."""
    return path.relative_to(DATA) if path.is_relative_to(DATA) else path


def predictions_csv(run: str, corpus: str, split: str) -> Path:
    """Return a run's predictions for one split of a corpus, in the course's format."""
    return predictions_dir(run) / f"{corpus}-{split}.csv"
