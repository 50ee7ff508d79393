"""The key, host and settings of an account, from the caller or the environment."""

from __future__ import annotations

import httpx
import pytest

from legnext_stream import (
    ConfigurationError,
    LegnextClient,
    watch,
)
from tests.legnext_stream.support import (
    KEY,
    URL,
    in_turn,
    job_body,
)


def test_no_key() -> None:
    """The error says how to set a key."""
    for make in (lambda: LegnextClient(), lambda: watch(["a"])):  # noqa: PLW0108 - two kinds
        with pytest.raises(ConfigurationError, match="LEGNEXT_API_KEY"):
            make()
    for key in ("", "  "):
        with pytest.raises(ConfigurationError, match="no API key"):
            LegnextClient(key)


async def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key and the base URL come from the environment; arguments take precedence."""
    monkeypatch.setenv("LEGNEXT_API_KEY", f" {KEY}\n")
    assert LegnextClient().base_url == "https://api.legnext.ai"
    monkeypatch.setenv("LEGNEXT_BASE_URL", f"{URL}/api")
    transport = in_turn(httpx.Response(200, json=job_body("a", "pending")))
    async with LegnextClient(transport=transport) as client:
        assert client.base_url == URL
        await client.get_job("a")
    assert transport.requests[0].headers["x-api-key"] == KEY
    assert transport.requests[0].url == f"{URL}/api/v1/job/a"
    assert LegnextClient(base_url="http://other.test").base_url == "http://other.test"
    monkeypatch.setenv("LEGNEXT_BASE_URL", "nonsense")
    with pytest.raises(ConfigurationError, match="'nonsense'"):
        LegnextClient()


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_request_timeout_out_of_range(timeout: float) -> None:
    """It must be above 0 and finite: a request without a limit could hold its place forever."""
    with pytest.raises(ConfigurationError, match="request_timeout"):
        LegnextClient(KEY, request_timeout=timeout)
