"""Under which profile a run was trained: run.json does not say, dvc.lock does."""

from pipeline import paths
from pipeline.files import md5_of
from pipeline.yaml12 import read_yaml


def profile_of(run: str) -> str | None:
    """Return the profile under which a run's weights were trained, None if nothing tells.

    A profile in params.yaml may be another by now. What dvc.lock says counts if it is of these
    very weights.
    """
    weights = paths.run_weights(paths.run_dir(run))
    try:
        locked = read_yaml(paths.DVC_LOCK)["stages"][f"train@{run}"]
        (md5,) = (out["md5"] for out in locked["outs"] if out["path"] == weights.as_posix())
        (profile,) = {
            key.split(".")[1] for key in locked["params"]["params.yaml"] if key[:9] == "profiles."
        }
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return str(profile) if md5_of(weights) == md5 else None
