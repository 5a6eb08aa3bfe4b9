"""Collects the results in `data/` as the records of a report."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

from pipeline.core import paths
from pipeline.core.files import replacing
from pipeline.core.records import (
    CorpusReport,
    Difference,
    Differences,
    RecordedParams,
    RecordedTrials,
    RunScores,
    Texts,
)
from pipeline.core.tasks import CORPORA, CorpusName, Split
from pipeline.data.reading import read_split
from pipeline.errors import ReportError
from pipeline.evaluation.paired import holm, paired_bootstrap
from pipeline.plumbing.params import ConfigurationParams, Params
from pipeline.plumbing.trials import Trial
from pipeline.reporting.records import Records, read_predicted, records_in_data

GENERATED = "synthetic"  # what validation writes as the source of generated corpora
SCORED: tuple[Split, ...] = ("dev", "test")


def gather(params: Params, trials: Mapping[str, Trial], folder: Path) -> Records:
    """Write the records of the active profile into a new folder, and return them.

    The records contain no sentences from real corpora: their findings and mistakes list only ids.

    Raises:
        ReportError: a file is missing or damaged.
        SchemaError: another version wrote a file.
    """
    data = records_in_data()
    for name, run in params.runs.items():
        trained = paths.run_dir(name)
        left = trained / paths.RUN_SUMMARY, trained / paths.HISTORY
        for path in (*left, paths.scores_json(name), paths.inputs_json(name)):
            _copy(data, path, folder)
        for corpus, split in product(run.corpora, SCORED):
            read_predicted(data, name, corpus, split)  # rejects a file that contains sentences
            _copy(data, paths.predictions_csv(name, corpus, split), folder)
    for name in trials:
        _copy(data, paths.trial_dir(name) / paths.TRIAL_SCORES, folder)
    texts = {}
    for corpus in CORPORA:
        found = _validation(data, corpus)
        found.write(folder / paths.recorded(paths.validation_json(corpus)))
        if found.source == GENERATED:
            texts[corpus] = _texts_of_mistakes(params, data, corpus)
    Texts(texts=texts).write(folder / paths.RECORDED_TEXTS)
    Differences(differences=differences(params, data)).write(folder / paths.RECORDED_DIFFERENCES)
    in_force = params.model_copy(update={"profiles": {params.profile: params.active}})
    dumped = {name: trial.model_dump(mode="json") for name, trial in trials.items()}
    # do not sort, because the order of runs and of their corpora matters
    recorded = RecordedParams(params=in_force.model_dump(mode="json"))
    recorded.write(folder / paths.RECORDED_PARAMS, sort_keys=False)
    RecordedTrials(trials=dumped).write(folder / paths.RECORDED_TRIALS, sort_keys=False)
    return records_in_data(folder)


def _copy(data: Records, path: Path, folder: Path) -> None:
    with data.file(path) as file:
        content = file.read_bytes()
    with replacing(folder / paths.recorded(path)) as temporary:
        temporary.write_bytes(content)


def _validation(data: Records, corpus: CorpusName) -> CorpusReport:
    """Read a corpus's validation report, without sentences if the corpus is real."""
    found = data.read(paths.validation_json(corpus), CorpusReport)
    if found.source == GENERATED:
        return found
    findings = [
        replace(finding, examples=[replace(example, text="") for example in finding.examples])
        for finding in found.findings
    ]
    return found.model_copy(update={"findings": findings})


def _texts_of_mistakes(params: Params, data: Records, corpus: CorpusName) -> dict[str, str]:
    """Return the texts of examples that runs got wrong; a slash joins the sentences of a pair."""
    runs = [row.run for row in params.configurations.values() if row.corpus == corpus]
    scores = [data.read(paths.scores_json(run), RunScores).corpora[corpus] for run in runs]
    wanted = {mistake.id for each in scores for mistake in each.analysis.mistakes}
    path = paths.split_csv(paths.corpus_dir(corpus), "dev")
    rows = read_split(path, CORPORA[corpus]).set_index("id")
    unknown = wanted - set(rows.index)
    if unknown:
        raise ReportError(
            f"{path} has no example {min(unknown)}, which was scored; run `dvc repro`"
        )
    pairs = rows["first"] + " / " + rows["second"] if CORPORA[corpus].is_pair else rows["first"]
    return {id_: str(pairs[id_]) for id_ in wanted}


def differences(params: Params, data: Records) -> dict[str, Difference]:
    """Test each multi-task row against the single-task row of its corpus and mode.

    Overlapping intervals say little: both runs predict the same examples, so the effect of examples
    that are hard for both cancels out in the difference. The p-values of each mode are corrected
    for multiple testing (Holm 1979).

    Returns:
        For each multi-task row by name, its score minus the single-task score, with interval and
        p-value. Rows without a single-task row or with an undefined score are left out.

    Raises:
        ReportError: predictions or a dev set are missing or damaged.
    """
    found: dict[str, Difference] = {}
    for mode in ("pretrain", "finetune"):
        tested = {
            name: difference
            for name, single, multi in _pairs(params, mode)
            if (difference := _tested(params, data, single.run, multi.run, multi.corpus))
        }
        corrected = holm([difference.p_value for difference in tested.values()])
        for (name, difference), p_value in zip(tested.items(), corrected, strict=True):
            found[name] = replace(difference, p_value=p_value)
    return found


def _pairs(
    params: Params, mode: str
) -> Iterator[tuple[str, ConfigurationParams, ConfigurationParams]]:
    """Yield each multi-task row of a mode as (name, first matching single-task row, row)."""
    rows = {n: r for n, r in params.configurations.items() if params.run(r.run).mode == mode}
    schemes = {name: params.run(row.run).scheme for name, row in rows.items()}
    singles = {r.corpus: r for n, r in reversed(rows.items()) if schemes[n] == "single-task"}
    for name, row in rows.items():
        if schemes[name] == "multi-task" and row.corpus in singles:
            yield name, singles[row.corpus], row


def _tested(
    params: Params, data: Records, single: str, multi: str, name: CorpusName
) -> Difference | None:
    corpus = CORPORA[name]
    with data.file(paths.split_csv(paths.corpus_dir(name), "dev")) as file:
        examples = read_split(file, corpus).set_index("id")
    pair = read_predicted(data, single, name), read_predicted(data, multi, name)
    if any(len(known) != len(examples) for known in pair):
        return None  # a prediction that is not a number makes the score undefined
    before, after = (known.loc[examples.index].to_numpy() for known in pair)
    return paired_bootstrap(
        corpus.task.metric,
        (before, after),
        examples["label"].to_numpy(),
        resamples=params.evaluation.bootstrap_resamples,
        confidence=params.evaluation.confidence,
        seed=params.seed,
    )
