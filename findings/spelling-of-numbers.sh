#!/usr/bin/env bash
# dvc 3.67.1: `dvc status` treats 10 and 10.0 as the same value, but the run cache does not.
#
# Suppose a tool that drops decimals rewrites a param from 10.0 to 10. `dvc status` then reports no
# change. If you change the param and set it back to 10, the run cache has an entry for 10.0 but none
# for 10, because its key is a hash of the params as JSON. DVC runs the stage again instead of
# restoring its outs.
# Observed: up to date after the rewrite; 3 runs if the param is set back to 10, 2 if it is set to 10.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site"

# prints the output of `dvc status` after the rewrite, and how many times the stage ran in total
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
