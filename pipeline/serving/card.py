"""The model card of an exported run: what it is, how good, how to load it, and what it is not for.

Its head is metadata as the Hugging Face hub reads it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.backbone import BACKBONES
from pipeline.params import Params, ProfileParams
from pipeline.serving.answers import MEANINGS
from pipeline.serving.trained import TrainedRun
from pipeline.tasks import CORPORA, Corpus, CorpusName
from pipeline.yaml12 import as_yaml

Scores = Mapping[CorpusName, Mapping[str, Any]]

REPORT = "*Multitasking with minBERT* (Jung-Suk Lee, Stanford CS224N default project)"
METRIC_TYPES = {"accuracy": "accuracy", "pearson": "pearsonr"}  # as the hub calls them

LOAD_SENTIMENT = """\
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")  # or wherever this folder is
model = AutoModelForSequenceClassification.from_pretrained(".").eval()

texts = ["A gorgeous, witty, seductive movie."]
batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
with torch.inference_mode():
    probabilities = model(**batch).logits.softmax(dim=-1)
labels = [model.config.id2label[int(number)] for number in probabilities.argmax(dim=-1)]
"""

LOAD_HEADS = """\
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")  # or wherever this folder is
model = AutoModel.from_pretrained(".").eval()
heads = load_file("heads.safetensors")

"""
OUTPUTS_SEPARATE = """\
@torch.inference_mode()
def outputs(corpus, pooling, *sentences):  # a list of texts, or two lists: each sentence by itself
    vectors = []
    for texts in sentences:
        batch = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        encoded = model(**batch)
        mask = batch["attention_mask"].unsqueeze(-1)
        mean = (encoded.last_hidden_state * mask).sum(1) / mask.sum(1)
        vectors.append(encoded.pooler_output if pooling == "pooled" else mean)
    weight, bias = heads[f"{corpus}.weight"], heads[f"{corpus}.bias"]
    return torch.nn.functional.linear(torch.cat(vectors, dim=1), weight, bias)

"""
OUTPUTS_JOINT = """\
@torch.inference_mode()
def outputs(corpus, pooling, *sentences):  # a list of texts, or two lists: pairs
    vectors = []
    for texts in zip(*sentences):  # of a pair one sequence: [CLS] a [SEP] [CLS] b [SEP]
        ids = [tokenizer(text, truncation=True)["input_ids"] for text in texts]
        encoded = model(torch.tensor([sum(ids, [])])).last_hidden_state[0]
        own = encoded.split([len(part) for part in ids])  # each sentence's own tokens
        pooled = [model.pooler(part[None])[0] for part in own]  # of each [CLS]
        vectors.append(torch.cat(pooled if pooling == "pooled" else [p.mean(0) for p in own]))
    weight, bias = heads[f"{corpus}.weight"], heads[f"{corpus}.bias"]
    return torch.nn.functional.linear(torch.stack(vectors), weight, bias)

"""
ASK_HEADS: Mapping[CorpusName, str] = {
    "sst": 'sst = outputs("sst", "pooled", ["A gorgeous, witty, seductive movie."]).softmax(-1)\n',
    "cfimdb": 'cfimdb = outputs("cfimdb", "pooled", ["A gorgeous, witty movie."]).softmax(-1)\n',
    "quora": (
        'first, second = ["How do I learn to cook?"], ["What is the best way to learn cooking?"]\n'
        'quora = outputs("quora", "mean", first, second).squeeze(-1).sigmoid()  # is a paraphrase\n'
    ),
    "sts": (
        'first, second = ["A man is eating."], ["Somebody has a meal."]\n'
        'sts = outputs("sts", "pooled", first, second).squeeze(-1).relu()  # 0 or more\n'
    ),
}


def model_card(
    run: TrainedRun, params: Params, profile: str, scores: Scores, max_length: int
) -> str:
    """Return README.md of an exported run.

    Args:
        run: what is exported.
        params: as they are now, for the profile's corpora and the width of intervals.
        profile: under which the run was trained.
        scores: of the run on its dev sets, as `evaluate` stored them.
        max_length: tokens of a sentence.
    """
    head = as_yaml(_metadata(run, params.profiles[profile], scores))
    body = "\n\n".join(_body(run, params, profile, scores, max_length))
    return f"---\n{head}---\n\n{body}\n"


def loading_example(run: TrainedRun) -> str:
    """Return Python that loads the folder it stands in, and asks every head."""
    if run.classified:
        return LOAD_SENTIMENT
    outputs = OUTPUTS_JOINT if run.pair_encoding == "joint" else OUTPUTS_SEPARATE
    return LOAD_HEADS + outputs + "".join(ASK_HEADS[corpus] for corpus in run.corpora)


def _metadata(run: TrainedRun, profile: ProfileParams, scores: Scores) -> dict[str, Any]:
    """Return the card's head; what is not known is left out."""
    base = BACKBONES.get(run.summary["backbone"])
    licence = {"license": "apache-2.0"}
    if not base or not profile.is_synthetic:
        licence = {"license": "other", "license_name": "terms-of-backbone-and-corpora"}
    return {
        "language": "en",
        **licence,
        "library_name": "transformers",
        **({"base_model": base.repository} if base else {}),
        **({"pipeline_tag": "text-classification"} if run.classified else {}),
        "tags": ["minbert", run.summary["scheme"], *run.corpora],
        "model-index": [
            {
                "name": run.name,
                "results": [
                    _result(CORPORA[name], profile, scores[name])
                    for name in run.corpora
                    if scores[name]["score"] is not None
                ],
            }
        ],
    }


def _result(corpus: Corpus, profile: ProfileParams, score: Mapping[str, Any]) -> dict[str, Any]:
    """Return one corpus's score as the hub's model-index has it."""
    return {
        "task": {
            "type": "text-classification" if corpus.has_classes else "sentence-similarity",
            "name": corpus.task.name,
        },
        "dataset": {
            "type": _dataset(corpus, profile),
            "name": _title(corpus, profile),
            "split": "dev",
        },
        "metrics": [{"type": METRIC_TYPES[score["metric"]], "value": score["score"]}],
    }


def _dataset(corpus: Corpus, profile: ProfileParams) -> str:
    if profile.is_papers:
        return corpus.name
    return f"{'synthetic' if profile.is_synthetic else 'own'}-{corpus.name}"


def _title(corpus: Corpus, profile: ProfileParams) -> str:
    if profile.is_papers:
        return corpus.title
    kind = "generated" if profile.is_synthetic else "the author's own data,"
    return f"{kind} in the manner of {corpus.title}"


def _body(
    run: TrainedRun, params: Params, profile: str, scores: Scores, max_length: int
) -> Iterator[str]:
    """Yield the card's paragraphs."""
    active = params.profiles[profile]
    yield f"# {run.name}"
    if active.is_synthetic:
        yield (
            "> **Trained and scored on generated corpora.** It shows that the pipeline works; what "
            "it says about real text means nothing."
        )
    yield _origin(run, profile, active)
    yield "## Scores"
    yield _score_table(run, active, scores, params.evaluation.confidence)
    yield "The kept epoch was chosen by the same dev sets. Of similarity, the metric is Pearson's."
    yield "## How to load"
    yield f"```python\n{loading_example(run)}```"
    if not run.classified:
        yield from _heads_told(run)
    yield "## Intended use, and limits"
    yield "\n".join(f"- {told}" for told in _limits(run, active, max_length))
    yield "## Licence"
    yield _licence(run, active)


def _origin(run: TrainedRun, name: str, profile: ProfileParams) -> str:
    told = run.summary
    state = "frozen, only its head" if run.is_frozen else "trained with its head"
    plural = "s" if len(run.corpora) > 1 else ""
    sizes = ", ".join(f"{told['batch_size'][corpus]} ({corpus})" for corpus in run.corpora)
    corpora = ", ".join(_title(CORPORA[corpus], profile) for corpus in run.corpora)
    return (
        f"One run of minbert-pipeline, which reproduces {REPORT}: the backbone "
        f"{told['backbone']}, {state}{plural}.\n\n"
        f"| what | value |\n| --- | --- |\n"
        f"| corpora | {corpora} |\n"
        f"| profile | {name} |\n"
        f"| epochs | {told['best_epoch']} kept of {told['epochs']} |\n"
        f"| learning rate | {told['learning_rate']:g} |\n"
        f"| batch size | {sizes} |\n"
        f"| dropout before a head | {told['dropout']:g} |\n"
        f"| seed | {told['seed']} |\n"
        f"| trained on | {told['device']}, {told['precision']} |"
    )


def _score_table(run: TrainedRun, profile: ProfileParams, scores: Scores, confidence: float) -> str:
    kind = "generated dev set" if profile.is_synthetic else "dev set"
    rows = [
        f"| {kind} | examples | metric | score | {100 * confidence:g} % interval | majority class |"
    ]
    rows += ["| --- | ---: | --- | ---: | --- | ---: |"]
    for corpus in run.corpora:
        told = scores[corpus]
        interval = f"{_shown(told['ci_low'])} to {_shown(told['ci_high'])}"
        rows.append(
            f"| {corpus} | {told['num_examples']} | {told['metric']} | {_shown(told['score'])} "
            f"| {interval} | {_shown(told['majority_class'])} |"
        )
    return "\n".join(rows)


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _heads_told(run: TrainedRun) -> Iterator[str]:
    """Tell of `heads.safetensors`, for those who load it in another way."""
    is_joint = run.pair_encoding == "joint"
    together = "together, as one sequence `[CLS] a [SEP] [CLS] b [SEP]`"
    yield (
        "`transformers` has no class for these heads: the example adds them. Each is one linear "
        "layer in `heads.safetensors`. A pair's two sentences go through the backbone "
        f"{together if is_joint else 'one by one'}, and their vectors stand side by side."
    )
    rows = ["| head | reads | vector of a sentence | says |", "| --- | --- | --- | --- |"]
    for name in run.corpora:
        task = CORPORA[name].task
        reads = "a pair" if task.num_sentences == 2 else "a sentence"
        vector = "pooler output" if task.pooling == "pooled" else "mean of its tokens"
        rows.append(f"| {name} | {reads} | {vector} | {_says(CORPORA[name])} |")
    yield "\n".join(rows)


def _says(corpus: Corpus) -> str:
    match corpus.task.objective:
        case "cross_entropy":
            return "logits of: " + ", ".join(MEANINGS[corpus.name])
        case "binary_cross_entropy":
            return f"the logit of: {MEANINGS[corpus.name][1]}"
        case "mean_squared_error":
            return f"after ReLU, a similarity: 0 or more, trained towards 0 to {corpus.max_label}"


def _limits(run: TrainedRun, profile: ProfileParams, max_length: int) -> Iterator[str]:
    yield "For reproducing and teaching; not tried on anything else than its dev and test sets."
    cut = "A sentence or a pair" if run.pair_encoding == "joint" else "A sentence"
    yield f"English. {cut} is cut after {max_length} tokens."
    if run.summary["backbone"] == "all-MiniLM-L6-v2" and "quora" in run.corpora:
        yield (
            "all-MiniLM-L6-v2 was itself trained on Quora duplicates and on sentence pairs, so its "
            "Quora scores are favoured."
        )
    if getattr(profile.corpora, "quora_split", None) == "carved" and "quora" in run.corpora:
        yield "Quora is carved 80/20 out of `quora-dev.csv`; it is not the paper's split."
    rounded = []
    if run.summary["precision"] == "bf16":
        rounded.append("multiplies in bfloat16")
    if run.is_frozen:
        rounded.append("rounds sentence vectors to float16")
    if rounded:
        yield (
            f"The pipeline {' and '.join(rounded)}, `transformers` computes all in float32: "
            "probabilities differ by up to about 0.01, similarities by up to about 0.05."
        )


def _licence(run: TrainedRun, profile: ProfileParams) -> str:
    known = run.summary["backbone"] in BACKBONES
    backbone = "The backbone is under Apache-2.0" if known else "The backbone has its own terms"
    if profile.is_synthetic:
        corpora = "The corpora are generated by the pipeline, which is under the MIT licence."
    elif profile.is_papers:
        corpora = (
            "The corpora are research data under their own terms (SST, IMDB and Quora Question "
            "Pairs: non-commercial; STS-B: mixed Creative Commons)."
        )
    else:
        corpora = "The corpora are the author's own, under the author's terms."
    return f"{backbone}. {corpora}"
