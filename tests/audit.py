"""The dependency audit: does a lock file name a version with a known vulnerability?

    python -m tests.audit requirements.lock

pip-audit asks PyPI. A vulnerability gives exit status 1. If PyPI cannot be reached, one line says
why and the status is 0, so that you can work offline. Without pip-audit or the file, it is 2.
"""

import json
import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

log = logging.getLogger("audit")

# all options are given, so that pip-audit's environment variables do not change the result
PIP_AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--timeout", "5"),
    *("--format", "json", "--output", "-", "--desc", "off", "--aliases", "on"),
    *("--progress-spinner", "off", "--vulnerability-service", "pypi"),
)
LIMIT_SECONDS = 60.0  # for the whole audit

# vulnerabilities without a fix that do not affect us, each for one version and with a reason
ACCEPTED: Mapping[str, str] = {
    # Every version of diskcache unpickles the files in its folder. Only DVC uses it, for its index;
    # `make repro` keeps the index in a folder that only its owner can enter.
    "CVE-2025-69872": "diskcache 5.6.3",
}


class NotRunError(Exception):
    """The audit could not run; the message says why."""


def ask(lock: Path, command: Sequence[str], limit_seconds: float) -> list[dict[str, Any]]:
    """Return pip-audit's result for each package of a lock file.

    Raises:
        NotRunError: there was no result, or the service knows none of the packages.
    """
    arguments = [*command, "--requirement", str(lock)]
    try:  # no shell; the Makefile gives the file
        done = subprocess.run(
            arguments, check=False, capture_output=True, text=True, timeout=limit_seconds
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        raise NotRunError(f"no answer within {limit_seconds:g} seconds") from None
    except (ValueError, KeyError, TypeError):
        lines = [line for line in done.stderr.strip().splitlines() if "Tip:" not in line]
        reason = textwrap.shorten(lines[-1], 200) if lines else f"exit status {done.returncode}"
        raise NotRunError(reason) from None
    if not any("vulns" in package for package in packages):
        raise NotRunError(f"the service knows none of the {len(packages)} packages")
    return packages


def vulnerabilities(packages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for every vulnerability that is not accepted."""
    for package in packages:
        here = f"{package['name']} {package.get('version')}"
        for vulnerability in package.get("vulns", ()):  # unknown packages have none
            names = [vulnerability["id"], *vulnerability["aliases"]]
            if here not in map(ACCEPTED.get, names):
                fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
                yield f"{here}: {', '.join(names)}; fixed in {fixed}"


def main(
    argv: Sequence[str], command: Sequence[str] = PIP_AUDIT, limit_seconds: float = LIMIT_SECONDS
) -> int:
    """Audit the lock file that the command line names; return the exit status."""
    (lock,) = argv
    missing = [] if find_spec("pip_audit") else ["pip_audit"]
    missing += [] if Path(lock).is_file() else [lock]
    if missing:
        log.info("dependency audit: %s not found", ", ".join(missing))
        return 2
    try:
        packages = ask(Path(lock), command, limit_seconds)
    except NotRunError as reason:
        log.info("dependency audit: could not run (%s)", reason)
        return 0
    found = list(vulnerabilities(packages))
    unknown = [package["name"] for package in packages if "vulns" not in package]
    if unknown:
        log.info("dependency audit: the service does not know %s", ", ".join(unknown))
    if not found:
        known = len(packages) - len(unknown)
        log.info("dependency audit: no vulnerabilities in the %d packages of %s", known, lock)
        return 0
    log.info("dependency audit: %s contains versions with known vulnerabilities:", lock)
    for line in found:
        log.info("  %s", line)
    log.info("update them, or accept one with a reason in tests/audit.py")
    return 1


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    sys.exit(main(sys.argv[1:]))
