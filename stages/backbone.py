"""Stage backbone: fetch the weights, config and tokenizer of the active profile's backbone."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.data.backbone import fetch_backbone
from pipeline.plumbing.params import load_params


def main() -> None:
    fetch_backbone(load_params().active.backbone, paths.BACKBONE)


if __name__ == "__main__":
    run_stage(main)
