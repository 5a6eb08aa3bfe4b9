#!/usr/bin/env bash
# torch 2.13.0: building a model on the "meta" device, or making an AdamW, loads torch's compiler.
#
# `with torch.device("meta")` is meant to save the time to draw weights that a file will replace. But
# the first random fill on that device (nn.Embedding, nn.init.normal_) imports torch._dynamo, and so
# does the first torch.optim.AdamW, although nothing is compiled. For a small BERT the import takes
# longer than drawing its weights would. nn.Linear and nn.LayerNorm alone do not load it.
# Observed: torch._dynamo is loaded by nn.Embedding on "meta" and by AdamW's constructor; on one
# machine that took 1.0 s of processor time, and 11 million random numbers on the CPU 0.1 s.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy
cat >"$work/loads.py" <<'PYTHON'
import sys
import time

import torch
from torch import nn

WHAT = {
    "linear on meta": lambda: nn.Linear(4, 4, device="meta"),
    "embedding on meta": lambda: nn.Embedding(4, 4, device="meta"),
    "embedding on cpu": lambda: nn.Embedding(30_000, 384),
    "AdamW": lambda: torch.optim.AdamW(nn.Linear(4, 4).parameters()),
}
started = time.process_time()
WHAT[sys.argv[1]]()
seconds = time.process_time() - started
print(f"{sys.argv[1]}: compiler loaded: {'torch._dynamo' in sys.modules}; {seconds:.2f} s")
PYTHON
for what in "linear on meta" "embedding on meta" "embedding on cpu" "AdamW"; do
    "$work/venv/bin/python" "$work/loads.py" "$what"
done | tee "$work/said"
loaded=$(grep "loaded: True" "$work/said" | cut -d: -f1 | paste -sd, -)
if [ "$loaded" != "embedding on meta,AdamW" ]; then
    echo "changed: what loads the compiler is no longer as described" >&2
    exit 1
fi
