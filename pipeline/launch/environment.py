"""The environment of every DVC process that this project starts."""

import getpass
import os

from pipeline.core import paths

INDEX_VARIABLE = "DVC_SITE_CACHE_DIR"


def use_own_index() -> None:
    """Keep DVC's index, which is pickled, in a folder that only the user can write.

    By default it is where everybody may write. One that the user named stays. Where there is no
    DVC repository, none is begun. DVC asks for the user's name, too, and for a home: to a user who
    has a number alone, as in containers, these are given.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = str(os.getuid())
        os.environ.setdefault("HOME", "/")  # as Docker does
    if INDEX_VARIABLE not in os.environ and paths.DVC_DIR.is_dir():
        paths.DVC_INDEX.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[INDEX_VARIABLE] = str(paths.DVC_INDEX.absolute())
