#!/usr/bin/env bash
# distributed 2026.8.0: LocalCluster(processes=False, dashboard_address=None) opens two TCP ports on all interfaces.
#
# The scheduler and the worker each start an HTTP server (metrics, health, info), even without a dashboard. The
# scheduler uses port 8787 and the worker any free port. With "inproc" addresses, both listen on 0.0.0.0 and [::].
# No option disables these servers. Subclasses of Scheduler and Worker with an empty start_http_server do.
# Observed: listens at [('0.0.0.0', 8787), ('0.0.0.0', 32985), ('::', 8787), ('::', 32985)]; the second port varies.
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
