"""The dependency audit: what fails, what is reported, and that being offline is accepted."""

import json
import logging
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.audit import ACCEPTED, PIP_AUDIT, main
from tests.data.serving import answer, serving

LOCK = Path(__file__).parents[1] / "requirements.lock"
CLEAN = {"name": "good", "version": "1.0", "vulns": []}
KNOWN = next(iter(ACCEPTED))
UNKNOWN = {"name": "odd", "skip_reason": "Dependency not found on PyPI"}


def package(name: str, *ids: str, version: str = "1.0", fixed: tuple[str, ...] = ()) -> Any:
    known = {"id": ids[0], "aliases": list(ids[1:]), "fix_versions": list(fixed)}
    return {"name": name, "version": version, "vulns": [known]}


def diskcache(*ids: str) -> Any:
    return package("diskcache", *ids, version=ACCEPTED[KNOWN].split()[1])


def program(code: str) -> tuple[str, ...]:
    """Return a command that replaces pip-audit."""
    return sys.executable, "-c", code


def saying(*packages: dict[str, Any]) -> tuple[str, ...]:
    text = json.dumps({"dependencies": packages, "fixes": []})
    return program(f"print({text!r})")


@pytest.fixture(autouse=True)
def _heard(caplog: pytest.LogCaptureFixture, here: Path) -> None:
    caplog.set_level(logging.INFO)
    Path("some.lock").touch()


def test_a_missing_file_fails(caplog: pytest.LogCaptureFixture) -> None:
    assert main(["other.lock"], saying(CLEAN)) == 2
    assert caplog.messages == ["dependency audit: other.lock not found"]


NOTHING = "no vulnerabilities in the {} packages of some.lock".format
BAD = package("bad", "GHSA-1", "CVE-1", fixed=("1.1", "2.0"))
WORSE = package("worse", "CVE-2")


@pytest.mark.parametrize(
    ("packages", "status", "lines"),
    [
        ([CLEAN, CLEAN], 0, [NOTHING(2)]),
        ([CLEAN, UNKNOWN], 0, ["the service does not know odd", NOTHING(1)]),
        ([diskcache(KNOWN, "GHSA-1")], 0, [NOTHING(1)]),
        ([diskcache("GHSA-1", KNOWN)], 0, [NOTHING(1)]),  # by an alias
        (
            [CLEAN, BAD, diskcache(KNOWN), WORSE],
            1,
            [
                "some.lock contains versions with known vulnerabilities:",
                "  bad 1.0: GHSA-1, CVE-1; fixed in 1.1, 2.0",
                "  worse 1.0: CVE-2; fixed in no version yet",
            ],
        ),
        (  # accepted only for diskcache
            [package("bad", KNOWN)],
            1,
            [
                "some.lock contains versions with known vulnerabilities:",
                f"  bad 1.0: {KNOWN}; fixed in no version yet",
            ],
        ),
    ],
    ids=["clean", "unknown", "accepted", "accepted alias", "vulnerable", "other package"],
)
def test_a_vulnerability_fails_unless_accepted_and_nothing_is_ignored_silently(
    packages: list[Any], status: int, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["some.lock"], saying(*packages)) == status
    messages = [message.removeprefix("dependency audit: ") for message in caplog.messages]
    assert messages[: len(lines)] == lines
    assert len(messages) == len(lines) + status  # and the remedy


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (saying(UNKNOWN, UNKNOWN), "the service knows none of the 2 packages"),
        (program("import no_such_audit"), "ModuleNotFoundError: No module named 'no_such_audit'"),
        (program("import sys; sys.exit('could not connect\\nTip: try')"), "could not connect"),
        (program("import sys; sys.exit(3)"), "exit status 3"),
        (program("print('<html>please log in</html>')"), "exit status 0"),
        (program("print('[]')"), "exit status 0"),
        (program("import time; time.sleep(60)"), "no answer within 0.5 seconds"),
    ],
)
def test_an_audit_that_cannot_run_says_why_and_passes(
    command: tuple[str, ...], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert main(["some.lock"], command, limit_seconds=0.5 if "sleep" in command[-1] else 30) == 0
    assert caplog.messages == [f"dependency audit: could not run ({reason})"]


def knows_jinja2(request: BaseHTTPRequestHandler) -> None:
    """Answer as a database of vulnerabilities that knows one of `jinja2`."""
    package = json.loads(request.rfile.read(int(request.headers["Content-Length"])))["package"]
    fixed = [{"introduced": "0"}, {"fixed": "2.11.3"}]
    affected = {"package": package, "ranges": [{"type": "ECOSYSTEM", "events": fixed}]}
    known = {"id": "GHSA-1", "aliases": ["CVE-1"], "affected": [affected]}
    found = {"vulns": [known]} if package["name"] == "jinja2" else {}
    answer(200, json.dumps(found).encode())(request)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run that database on this machine; return its address."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as site:
        site.answers = [knows_jinja2] * 999
        yield f"{site.url}/v1/query"


@pytest.fixture
def pip_audit(tmp_path: Path) -> tuple[str, ...]:
    """Return the command for pip-audit, without the address of the service."""
    pytest.importorskip("pip_audit", reason="the environment is older than requirements-dev.lock")
    return (*PIP_AUDIT, "--cache-dir", str(tmp_path), "--vulnerability-service", "osv", "--osv-url")


def test_pip_audit_reports_what_its_service_knows(
    pip_audit: tuple[str, ...], service: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("# pins\nJinja2==2.4.1\ncertifi==2026.10.18\n")
    assert main([str(lock)], (*pip_audit, service)) == 1
    assert "  jinja2 2.4.1: CVE-1, GHSA-1; fixed in 2.11.3" in caplog.messages
    lock.write_text("certifi==2026.10.18\n")
    assert main([str(lock)], (*pip_audit, service)) == 0


def test_pip_audit_without_a_service_passes(
    pip_audit: tuple[str, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("certifi==2026.10.18\n")
    assert main([str(lock)], (*pip_audit, "http://127.0.0.1:1")) == 0
    (line,) = caplog.messages
    assert line.startswith("dependency audit: could not run (")


def test_pip_audit_can_read_every_line_of_the_lock(
    pip_audit: tuple[str, ...], service: str, caplog: pytest.LogCaptureFixture
) -> None:
    main([str(LOCK)], (*pip_audit, service))
    assert any(line.startswith("  jinja2 ") for line in caplog.messages)
    assert not any("could not run" in line or "does not know" in line for line in caplog.messages)
