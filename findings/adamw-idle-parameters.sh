#!/usr/bin/env bash
# torch 2.13.0: AdamW keeps moving a parameter whose gradient is 0, but skips one without a gradient.
#
# With several heads, one optimizer and one head per step, the other heads get no gradient. With
# `zero_grad(set_to_none=True)`, the default since torch 2.0, AdamW skips them. With
# `set_to_none=False`, the default before, their gradient is 0 and AdamW still updates them: the first
# moment decays by 0.9 per step and the second by 0.999, so a single gradient moves a head by several
# times the learning rate. Code written for torch 1.x therefore trains a different model under torch 2.
# Observed movement after 1 step with a gradient and 68 without, in learning rates: 1.00 with None and
# 6.00 with zeros.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$work/venv/bin/python" - <<'PYTHON'
import torch

RATE, IDLE_STEPS = 1e-3, 68


def moved(set_to_none: bool) -> float:
    head, other = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([head, other], lr=RATE, weight_decay=0.0)
    for step in range(1 + IDLE_STEPS):
        optimizer.zero_grad(set_to_none=set_to_none)
        (other if step else head).sum().backward()
        optimizer.step()
    return -head.item() / RATE


none, zeros = moved(set_to_none=True), moved(set_to_none=False)
print(f"moved by {none:.2f} learning rates with None, {zeros:.2f} with zeros")
if not (abs(none - 1.0) < 0.01 and zeros > 3.0):
    raise SystemExit("changed: an idle parameter no longer behaves as described")
PYTHON
