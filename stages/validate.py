"""Stage validate: check the corpora against expectations; stop on a critical finding."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.core.tasks import CORPORA
from pipeline.plumbing.params import load_params
from pipeline.validation.findings import stop_if_critical
from pipeline.validation.validation import validate_corpus


def main() -> None:
    params = load_params()
    reports = [
        validate_corpus(corpus, paths.corpus_dir(corpus.name), params.active.corpora)
        for corpus in CORPORA.values()
    ]
    # write all reports before one stops the pipeline, so that users can read critical findings
    for report in reports:
        report.write(paths.validation_json(report.corpus))
    stop_if_critical(reports)


if __name__ == "__main__":
    run_stage(main)
