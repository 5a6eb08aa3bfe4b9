#!/usr/bin/env bash
# torch 2.13.0, CPU: the weight and bias gradients of LayerNorm depend on the number of threads, even
# with `torch.use_deterministic_algorithms(True)`.
#
# That setting promises the same result for the same input "on the same software and hardware", and
# people take it as enough to compare runs on machines with different numbers of cores. In LayerNorm's
# backward pass, each thread adds up its own share of the rows, so another number of threads adds in
# another order. The output and the gradient of the input stay the same, and so does a plain
# `sum(dim=0)` over the same rows, which splits columns between threads, not rows.
# Observed with 2 and 4 threads against 1, on 1,600 rows of 384: weight and bias differ, input and sum
# are equal.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$work/venv/bin/python" - <<'PYTHON'
import torch

torch.use_deterministic_algorithms(True)
torch.manual_seed(0)
norm = torch.nn.LayerNorm(384)
rows, gradient = torch.randn(1600, 384, requires_grad=True), torch.randn(1600, 384)


def results(threads: int) -> dict[str, torch.Tensor]:
    torch.set_num_threads(threads)
    norm.zero_grad()
    rows.grad = None
    output = norm(rows)
    output.backward(gradient)
    found = {"output": output, "input": rows.grad, "weight": norm.weight.grad}
    return found | {"bias": norm.bias.grad, "sum": gradient.sum(dim=0)}


one = results(1)
for threads in (2, 4):
    several = results(threads)
    differ = {name for name in one if not torch.equal(one[name], several[name])}
    print(f"{threads} threads against 1 differ in: {', '.join(sorted(differ)) or 'nothing'}")
    if differ != {"weight", "bias"}:
        raise SystemExit("changed: LayerNorm's gradients no longer depend on threads as described")
PYTHON
