"""Fixtures for tests of fetching: no mirror, no proxy, and a local server."""

from collections.abc import Iterator

import pytest

from pipeline.data.pinned import MIRROR_VARIABLE
from tests.data.serving import Site, serving


@pytest.fixture(autouse=True)
def _direct_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off mirror, proxy and pauses."""
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setattr("urllib3.Retry.get_backoff_time", lambda _: 0)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site
