"""The environment of every DVC process that this project starts."""

import getpass
import os

from pipeline.core import paths

INDEX_VARIABLE = "DVC_SITE_CACHE_DIR"


def use_own_index() -> None:
    """Keep DVC's index, which contains pickles, in a folder that only the user can write to.

    DVC's default folder is world-writable. A folder that the user has set is kept, and outside a
    DVC repository none is created. DVC also needs a user name and a home directory, so if the user
    has only a numeric id, as in some containers, set LOGNAME and, if missing, HOME.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())
        os.environ.setdefault("HOME", "/")  # as Docker does
    if INDEX_VARIABLE not in os.environ and paths.DVC_DIR.is_dir():
        paths.DVC_INDEX.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[INDEX_VARIABLE] = str(paths.DVC_INDEX.absolute())
