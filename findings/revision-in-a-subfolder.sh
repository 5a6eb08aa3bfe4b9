#!/usr/bin/env bash
# dvc 3.67.1: `DVCFileSystem(".", rev=...)` finds no files if the DVC project is a subfolder of a git
# repository.
#
# Without a revision, the root of the file system is the project (made with `dvc init --subdir`). With a
# revision, the same call starts at the root of the git repository. It finds the project's files neither
# there nor in the project's folder, and it raises no error. Code that uses it to read files of an older
# commit concludes that the commit has none. `dvc metrics diff` is not affected.
# Observed: the workspace has params.yaml; HEAD has neither params.yaml nor course/params.yaml.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet dvc==3.67.1
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site"
mkdir -p "$work/all/course" && cd "$work/all"
git init --quiet
cd course
dvc init --quiet --subdir
echo "rate: 1.0" >params.yaml
git add --all
git -c user.name=A -c user.email=a@example.org commit --quiet --message "A project in a folder"
"$work/venv/bin/python" - <<'PYTHON'
from dvc.api import DVCFileSystem

paths = ("params.yaml", "course/params.yaml")
workspace = [path for path in paths if DVCFileSystem(".").isfile(path)]
revision = [path for path in paths if DVCFileSystem(".", rev="HEAD").isfile(path)]
print(f"workspace: {workspace}, HEAD: {revision}")
if (workspace, revision) != (["params.yaml"], []):
    raise SystemExit("changed: a revision's files are no longer found as described")
PYTHON
