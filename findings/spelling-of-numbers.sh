#!/usr/bin/env bash
# dvc 3.67.1: 10 and 10.0 are one value to `dvc status`, and two to the run cache.
#
# A param of 10.0 is rewritten as 10, say by a tool that drops the decimals: `dvc status` finds nothing
# changed. Then the param is changed and set back: the run cache, whose key is a hash of the params as
# JSON, knows 10.0 and not 10, and the stage runs again instead of being restored.
# Seen: up to date after the rewriting; 3 runs when it is set back as 10, 2 when as 10.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site"

# prints what `dvc status` says after 10.0 was rewritten, and how often the stage ran in all
runs_when_set_back_as() {
    mkdir "$work/$1" && cd "$work/$1"
    dvc init --quiet --no-scm
    cat >dvc.yaml <<'YAML'
stages:
  train:
    cmd: echo ran >>runs; echo trained >model
    params: [rate]
    outs: [model]
YAML
    echo "rate: 10.0" >params.yaml
    dvc repro --quiet
    echo "rate: $1" >params.yaml
    status=$(dvc status)
    echo "rate: 11.0" >params.yaml
    dvc repro --quiet
    echo "rate: $1" >params.yaml
    dvc repro --quiet
    echo "${status%.*}: $(wc -l <runs | tr -d ' ') runs"
}

whole=$(runs_when_set_back_as 10)
decimal=$(runs_when_set_back_as 10.0)
printf 'set back as 10: %s\nset back as 10.0: %s\n' "$whole" "$decimal"
if [[ $whole != *"up to date: 3 runs" || $decimal != *"up to date: 2 runs" ]]; then
    echo "changed: spellings of a number are no longer told apart as described" >&2
    exit 1
fi
