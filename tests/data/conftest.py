"""What tests of fetching share: a world without mirror and proxy, and a server in it."""

from collections.abc import Iterator

import pytest

from pipeline.data.pinned import MIRROR_VARIABLE
from tests.data.serving import Site, serving


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no mirror, no proxy and no pause stand between a test and its site."""
    monkeypatch.setenv(MIRROR_VARIABLE, "")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setattr("urllib3.Retry.get_backoff_time", lambda _: 0)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site
