"""Stage inputs: list, for each run, the files that it reads, with their hashes."""

from pipeline.plumbing.entry import run_stage
from pipeline.core import paths
from pipeline.plumbing.params import load_params
from pipeline.tokens.inputs import write_inputs
from pipeline.tokens.left_out import write_left_out


def main() -> None:
    params = load_params()
    for name in params.all_runs:
        out = paths.inputs_json(name)
        if not write_left_out(params, name, out):
            write_inputs(name, params.run(name), out)


if __name__ == "__main__":
    run_stage(main)
