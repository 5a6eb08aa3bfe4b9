#!/usr/bin/env bash
# dvc 3.67.1 with ruamel.yaml 0.19.1: whether DVC can read a params.yaml depends on an optional package.
#
# In `{backbone: local:bert}`, the colon inside the value is text according to YAML 1.2. PyYAML 6.0.3
# and ruamel.yaml's Python parser read it. If ruamel.yaml.clib is installed, DVC uses its C parser,
# which does not accept a colon there and reports the file as corrupted. A project that checks its
# params with the Python parser, or on a machine without the package, does not notice the problem.
# Observed: without ruamel.yaml.clib, `dvc repro` runs the stage; with it, "found unexpected ':'".
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dvc==3.67.1 ruamel.yaml==0.19.1 pyyaml==6.0.3
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site"
cd "$work"
git init --quiet
dvc init --quiet
echo "run: {backbone: local:bert}" >params.yaml
python - <<'PYTHON'
import yaml
from ruamel.yaml import YAML

text = open("params.yaml").read()
found = [yaml.safe_load(text)["run"], YAML(typ="safe", pure=True).load(text)["run"]]
print(*found)
if found != [{"backbone": "local:bert"}] * 2:
    raise SystemExit("changed: other parsers no longer read it as described")
PYTHON
printf 'stages:\n  train:\n    cmd: echo trained\n    params: [run.backbone]\n' >dvc.yaml
dvc repro --quiet
pip install --quiet ruamel.yaml.clib==0.2.15
said=$(dvc repro 2>&1) && status=0 || status=$?
echo "with ruamel.yaml.clib: $(grep -o "found unexpected.*" <<<"$said" || true)"
if [[ $status -eq 0 || $said != *"found unexpected ':'"* ]]; then
    echo "changed: DVC no longer refuses it as described" >&2
    exit 1
fi
