"""Shared by the tests of HTTP: lanes to a raw server, and a request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from legnext_stream._http import Lanes, Request
from tests.legnext_stream.support import KEY, URL, Network, RawServer

GET = Request("GET", "/api/v1/job/a")
Setup = Callable[..., Lanes]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Setup:
    """Lanes to a raw server, over httpx's pools."""

    def lanes(server: RawServer, base_url: str = URL, timeout: float = 10.0) -> Lanes:
        network = Network(server.serve)
        network.install(monkeypatch)
        return Lanes(base_url=base_url, api_key=KEY, transport=None, request_timeout=timeout)

    return lanes
