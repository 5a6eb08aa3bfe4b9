"""Stage tokens@<corpus>: tokenize a corpus with the backbone's tokenizer, and cache the ids."""

import logging

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.core.tasks import CORPORA, SPLITS, CorpusName
from pipeline.data.reading import read_split
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import write_cache

log = logging.getLogger("pipeline.tokens")


def main(name: CorpusName) -> None:
    corpus, params = CORPORA[name], load_params()
    folder = paths.corpus_dir(corpus.name)
    frames = {split: read_split(paths.split_csv(folder, split), corpus) for split in SPLITS}
    truncated = write_cache(
        frames,
        corpus,
        tokenizer_path=paths.BACKBONE / paths.TOKENIZER,
        max_length=params.tokens.max_length,
        out=paths.tokens_dir(corpus.name),
    )
    log.info("%s: sentences cut at %d tokens: %s", corpus.name, params.tokens.max_length, truncated)


if __name__ == "__main__":
    run_stage(main, "corpus", CORPORA)
