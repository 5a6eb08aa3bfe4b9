"""Stage features@<set>: compute the frozen backbone's sentence vectors from cached tokens."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.core.tasks import FEATURE_SETS, SPLITS
from pipeline.encoder.batches import joined
from pipeline.encoder.device import choose_device, make_deterministic
from pipeline.encoder.features import write_features
from pipeline.encoder.kernels import kernels_on
from pipeline.encoder.weights import load_backbone
from pipeline.plumbing.params import load_params
from pipeline.tokens.token_cache import read_cache


def main(name: str) -> None:
    corpus, encoding = FEATURE_SETS[name]
    params = load_params()
    device = choose_device(params.device)
    make_deterministic(device)
    splits = {split: read_cache(paths.tokens_dir(corpus), split) for split in SPLITS}
    if encoding == "joint":
        splits = {split: joined(cache) for split, cache in splits.items()}
    write_features(
        splits,
        load_backbone(paths.BACKBONE, kernels_on(device, params.speed.forward)),
        batch_size=params.evaluation.batch_size,
        device=device,
        out=paths.features_dir(name),
    )


if __name__ == "__main__":
    run_stage(main, "set", FEATURE_SETS)
