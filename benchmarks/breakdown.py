"""Breaks down the time of our finetune step by kind of operation (torch.profiler, CPU only)."""

from collections.abc import Mapping, Sequence

from torch.profiler import ProfilerActivity, profile

from benchmarks.measure import epoch_of, real_tokens, spread
from benchmarks.ours import ALL, SETTINGS, Finetune
from pipeline.encoder.device import choose_device
from pipeline.plumbing.params import Params
from pipeline.tokens.token_cache import TokenizedSplit

STEPS = 4
REST = "everything else"
KINDS: Mapping[str, Sequence[str]] = SETTINGS["kinds"]
KIND_OF = {f"aten::{operation}": kind for kind, each in KINDS.items() for operation in each}


def shares(split: TokenizedSplit, params: Params) -> dict[str, float]:
    """Return each kind's share (0 to 1) of the time of a few finetune steps; {} on a GPU."""
    if choose_device(params.device).type != "cpu":
        return {}
    contender = Finetune(split, params, ALL)
    batches = epoch_of(ALL, contender, split, params)
    chosen = [batches[place] for place in spread(real_tokens(split, batches), STEPS, 0.5)]
    contender.step(chosen[0])
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for batch in chosen:
            contender.step(batch)
    return shares_of({e.key: e.self_cpu_time_total for e in profiler.key_averages()})


def shares_of(times: Mapping[str, float]) -> dict[str, float]:
    """Convert the time per operation, in any unit, to the share per kind of operation."""
    total = sum(times.values())
    found = dict.fromkeys([*KINDS, REST], 0.0)
    for operation, taken in times.items():
        found[KIND_OF.get(operation, REST)] += taken / total
    return found
