#!/usr/bin/env bash
# distributed 2026.8.0: LocalCluster(processes=False, dashboard_address=None) opens two TCP ports on all interfaces.
#
# Scheduler and worker each start an HTTP server (metrics, health, info), whether a dashboard is asked for or not:
# the scheduler's on port 8787, the worker's on any, and with "inproc" addresses on 0.0.0.0 and [::].
# No option leaves them out; a subclass of Scheduler and of Worker whose start_http_server does nothing does.
# Seen: listens at [('0.0.0.0', 8787), ('0.0.0.0', 32985), ('::', 8787), ('::', 32985)]; the second port varies.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet distributed==2026.8.0 dask==2026.8.0
cat >"$work/ports.py" <<'PYTHON'
import sys

import psutil
from distributed import LocalCluster

with LocalCluster(n_workers=1, processes=False, dashboard_address=None):
    found = psutil.Process().net_connections(kind="inet")
    ports = {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}
print("listens at", sorted(ports))
if len(ports) < 2:
    sys.exit("changed: there is no open port any more")
PYTHON
"$work/venv/bin/python" "$work/ports.py"
