"""The files of the CS224N default project, pinned: the very splits the paper used.

The repository's files were hashed once; for two, too large to be at hand then, git's own
name for their content is the pin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.pinned import Pin
from pipeline.tasks import CorpusName, Split

REPOSITORY = "gpoesia/minbert-default-final-project"
COMMIT = "7ac8260577fc12a86c7aaf38918056c30054ef39"  # of 2023-03-03
FOLDER_URL = f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/data"


@dataclass(frozen=True)
class UpstreamFile:
    """One split of one corpus as published."""

    pin: Pin
    num_rows: int | None  # None: never counted


def _file(
    name: str,
    git_sha1: str,
    sha256: str | None = None,
    num_bytes: int | None = None,
    num_rows: int | None = None,
) -> UpstreamFile:
    return UpstreamFile(Pin(name, num_bytes, sha256, git_sha1), num_rows)


UPSTREAM: Mapping[CorpusName, Mapping[Split, UpstreamFile]] = {
    "sst": {
        "train": _file(
            "ids-sst-train.csv",
            "9cb7333cb1dae49c2bd2a4b56a24882a6e8704b5",
            "03b2b625c090f94a6afd59f114cde5282e2053aab0b101e87ed695d8a0c5b1df",
            1175139,
            8544,
        ),
        "dev": _file(
            "ids-sst-dev.csv",
            "3171aa629a340809d2db4a50df8f6e5ec9420ab0",
            "a186ce94577635fbe10beaaddd50f16cccf6c30973221cefdf90deed2a584bfe",
            151384,
            1101,
        ),
        "test": _file(
            "ids-sst-test-student.csv",
            "bbd2313758825f86e24416d6aad64cd93370cf7a",
            "bdd5a767faa0c26782117e37767ece154c30d5d04fb8727d09c71e3850a55c7b",
            313202,
            2210,
        ),
    },
    "cfimdb": {
        "train": _file(
            "ids-cfimdb-train.csv",
            "cd57bcbd2f7214ea6dd1783d3e885d324b1f478d",
            "140fc513045a966109faed46a5c7a898767b96714d71bcb9c15f659129fadcea",
            1693182,
            1707,
        ),
        "dev": _file(
            "ids-cfimdb-dev.csv",
            "8a0f5dcf3d40189b96c801a12cd79bf8003e61de",
            "3087f571b66860fe5d035b5a018d08202ad3fd3720e4821c04b2acf6c7ded559",
            249095,
            245,
        ),
        "test": _file(
            "ids-cfimdb-test-student.csv",
            "1e789c709b3ca0511f027a309b6d8bd21cde41b2",
            "7ae611548c9eac879e9ebb406cc9f8ae68ff12f78090e4965af5cbdfa06240f4",
            495595,
            488,
        ),
    },
    "quora": {
        "train": _file("quora-train.csv", "a3b5546f6a0e65b60a328a5d294d1038f5bed1da"),
        "dev": _file(
            "quora-dev.csv",
            "de7cfa32428fd470b93f778fccc45a619e01336f",
            "bfa3cc954a9ba300ae776a980141de65f622a3c1b97e3fd905d63245bc36d5ad",
            3205321,
            20214,
        ),
        "test": _file("quora-test-student.csv", "f257ef00558555afb50819578a58205732b16354"),
    },
    "sts": {
        "train": _file(
            "sts-train.csv",
            "12b17760e7795fee35aeeabc290d5651de02622a",
            "15d12efc2d656fffb1d61ac1f08ec4227f43925fd16f420c037cbd063699c21b",
            928832,
            6040,
        ),
        "dev": _file(
            "sts-dev.csv",
            "9392860e584717976b8d817cc40c9e6ceeec27e0",
            "ce3cad6f16062586ac7ba462c28b010a9be10c530fd5074165860d7b7ab4e93d",
            132265,
            863,
        ),
        "test": _file(
            "sts-test-student.csv",
            "25f0cf8fafdd1f82b9e2bb460c708af34341ce60",
            "dee455745b72e9ca3ff74e7c056bd73e34bad5b8d5641045a2c1e7e131866f47",
            256677,
            1725,
        ),
    },
}
