"""Opening an account, as the caller or the environment describes it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from legnext_stream._core.pacing import Pacing
from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Observer
from legnext_stream._http import Lanes
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from legnext_stream._telemetry import Telemetry

DEFAULT_BASE_URL = "https://api.legnext.ai"
"""Where the API is."""


def open_account(
    api_key: str | None,
    base_url: str | None,
    transport: httpx.AsyncBaseTransport | None,
    *,
    pacing: Pacing,
    request_timeout: float,
    headers: Mapping[str, str],
    http2: bool,
    telemetry: Telemetry | bool,
) -> Account:
    """Open an account. The arguments are those of `LegnextClient`; the environment fills in key and URL.

    Raises:
        ConfigurationError: There is no key, the base URL is not a URL, a header field can't be sent,
            a package that is needed for HTTP/2 or telemetry is not installed, or the proxies or
            certificates that the environment names can't be used.
    """
    if not (math.isfinite(request_timeout) and request_timeout > 0):
        msg = f"request_timeout must be above 0 and finite, not {request_timeout!r}"
        raise ConfigurationError(msg)
    lanes = Lanes(
        base_url=base_url or os.environ.get("LEGNEXT_BASE_URL") or DEFAULT_BASE_URL,
        api_key=_find_key(api_key),
        transport=transport,
        request_timeout=request_timeout,
        headers=headers,
        http2=http2,
    )
    return Account(lanes, pacing, None if telemetry is False else _recording(telemetry))


def _recording(given: Telemetry | bool) -> Callable[[Account], Observer]:  # noqa: FBT001 - as the caller gave it
    try:
        # Only programs that want telemetry need its package, and wait for its import.
        from legnext_stream._telemetry import Recording, Telemetry  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationError(
            "telemetry needs the package opentelemetry-api: pip install 'legnext-stream[telemetry]'"
        ) from None
    return partial(Recording, given if isinstance(given, Telemetry) else Telemetry())


def _find_key(api_key: str | None) -> str:
    key = os.environ.get("LEGNEXT_API_KEY", "") if api_key is None else api_key
    key = key.strip()
    if not key:
        raise ConfigurationError(
            "no API key: set the environment variable LEGNEXT_API_KEY, or pass api_key=…"
        )
    if not (key.isascii() and key.isprintable()):
        # Checked here, because the encoder of headers would put the key into its error message.
        raise ConfigurationError("the API key has characters that no header can carry")
    return key
