#!/usr/bin/env bash
# distributed 2026.8.0 with torch 2.13.0: in a worker with a nanny, torch uses one thread, even if
# OMP_NUM_THREADS is set to a higher number.
#
# Before a nanny starts a worker, it sets OMP_NUM_THREADS, MKL_NUM_THREADS and OPENBLAS_NUM_THREADS to
# 1 unless they are set already. If you set only OMP_NUM_THREADS, the nanny sets MKL_NUM_THREADS to 1.
# A torch build with MKL prefers MKL's number to OpenMP's, so training on a cluster uses one core.
# Observed with OMP_NUM_THREADS=2: 2 threads in a plain process, 1 in a worker, and 2 in a worker if
# MKL_NUM_THREADS=2 is set as well.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.13.0 numpy distributed==2026.8.0 dask==2026.8.0
cat >"$work/threads.py" <<'PYTHON'
import os
import sys

import torch
from distributed import Client, LocalCluster


def threads(_: object = None) -> int:
    return torch.get_num_threads()


def in_worker() -> int:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        return client.submit(threads).result()


if __name__ == "__main__":
    if "mkl" not in torch.__config__.show().lower():
        sys.exit("this build of torch has no MKL: nothing is shown")
    plain, worker = threads(), in_worker()
    os.environ["MKL_NUM_THREADS"] = "2"
    both = in_worker()
    print(f"threads: {plain} in a plain process, {worker} in a worker, {both} with MKL's number too")
    if (plain, worker, both) != (2, 1, 2):
        sys.exit("changed: threads under a nanny are no longer as described")
PYTHON
cd "$work"
# without MKL_DYNAMIC=FALSE, MKL uses no more threads than there are physical cores
env -u MKL_NUM_THREADS -u OPENBLAS_NUM_THREADS MKL_DYNAMIC=FALSE OMP_NUM_THREADS=2 \
    "$work/venv/bin/python" threads.py
