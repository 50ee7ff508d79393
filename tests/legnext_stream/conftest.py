"""An environment that no test inherits from the machine it runs on."""

from __future__ import annotations

import pytest

_OUTSIDE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, base URL or proxy but what a test sets."""
    for name in ("LEGNEXT_API_KEY", "LEGNEXT_BASE_URL", *_OUTSIDE):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
