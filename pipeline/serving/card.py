"""Renders the model card of an exported run, with metadata for the Hugging Face Hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.core.records import CorpusScores
from pipeline.core.tasks import CORPORA, Corpus, CorpusName
from pipeline.core.yaml12 import as_yaml
from pipeline.data.backbone import BACKBONES
from pipeline.plumbing.params import Params, ProfileParams
from pipeline.reporting.markdown import filled
from pipeline.serving.answers import MEANINGS
from pipeline.serving.trained import TrainedRun

Scores = Mapping[CorpusName, CorpusScores]

TEMPLATE = Path(__file__).with_name("card.md.jinja")
METRIC_TYPES = {"accuracy": "accuracy", "pearson": "pearsonr"}  # maps our names to the Hub's


def model_card(
    run: TrainedRun, params: Params, profile: str, scores: Scores, max_length: int
) -> str:
    """Return README.md for a run that was trained with a profile.

    It lists the dev scores from `evaluate` and `max_length`, the maximum tokens in a sentence.
    """
    active, summary = params.profiles[profile], run.summary
    rounded = ["multiplies in bfloat16"] * (summary.precision == "bf16")
    rounded += ["rounds sentence vectors to float16"] * run.is_frozen
    return filled(
        TEMPLATE,
        metadata=as_yaml(_metadata(run, active, scores)).rstrip("\n"),
        run=run,
        summary=summary,
        active=active,
        profile=profile,
        titles={name: _title(CORPORA[name], active) for name in run.corpora},
        scores=scores,
        confidence=params.evaluation.confidence,
        corpora=CORPORA,
        says=_says,
        is_joint=summary.pair_encoding == "joint",
        max_length=max_length,
        quora_split=getattr(active.corpora, "quora_split", None),
        rounded=rounded,
        is_known=summary.backbone in BACKBONES,
    )


def _metadata(run: TrainedRun, profile: ProfileParams, scores: Scores) -> dict[str, Any]:
    """Return the metadata of the card; unknown values are left out."""
    base = BACKBONES.get(run.summary.backbone)
    licence = {"license": "apache-2.0"}
    if not base or not profile.is_synthetic:
        licence = {"license": "other", "license_name": "terms-of-backbone-and-corpora"}
    known = [name for name in run.corpora if scores[name].score is not None]
    results = [_result(CORPORA[name], profile, scores[name]) for name in known]
    return {
        "language": "en",
        **licence,
        "library_name": "transformers",
        **({"base_model": base.repository} if base else {}),
        **({"pipeline_tag": "text-classification"} if run.classified else {}),
        "tags": ["minbert", run.summary.scheme, *run.corpora],
        "model-index": [{"name": run.name, "results": results}],
    }


def _result(corpus: Corpus, profile: ProfileParams, score: CorpusScores) -> dict[str, Any]:
    """Return the score on a corpus in the Hub's model-index format."""
    kind = "" if profile.is_papers else "synthetic-" if profile.is_synthetic else "own-"
    task = "text-classification" if corpus.has_classes else "sentence-similarity"
    title = _title(corpus, profile)
    return {
        "task": {"type": task, "name": corpus.task.name},
        "dataset": {"type": f"{kind}{corpus.name}", "name": title, "split": "dev"},
        "metrics": [{"type": METRIC_TYPES[score.metric], "value": score.score}],
    }


def _title(corpus: Corpus, profile: ProfileParams) -> str:
    if profile.is_papers:
        return corpus.title
    kind = "generated" if profile.is_synthetic else "the author's own data,"
    return f"{kind} in the manner of {corpus.title}"


def _says(corpus: Corpus) -> str:
    """Describe the outputs of a head."""
    match corpus.task.objective:
        case "cross_entropy":
            return "logits of: " + ", ".join(MEANINGS[corpus.name])
        case "binary_cross_entropy":
            return f"the logit of: {MEANINGS[corpus.name][1]}"
        case "mean_squared_error":
            return f"after ReLU, a similarity: 0 or more, trained towards 0 to {corpus.max_label}"
