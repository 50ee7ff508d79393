"""What a command says while it waits for a host: why requests are repeated, or that none was answered."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Unpack

import trio

from legnext_stream._cli.exits import say
from legnext_stream._cli.options import ApiOptions
from legnext_stream._cli.words import printable
from legnext_stream._client import LegnextClient
from legnext_stream._log import BELOW_DEBUG, LOGGER, RETRYING
from legnext_stream._options import ClientOptions

# How long the same is not said again, in seconds.
_AGAIN = 60.0
# How often to look whether the host has answered, in seconds.
_INTERVAL = 0.5
# How long a request may be under way before that is said, in seconds.
_PATIENCE = 1.5


class Notices(logging.Handler):
    """Prints why requests are repeated, on standard error."""

    def __init__(self) -> None:
        super().__init__(BELOW_DEBUG)
        self._said: dict[str, float] = {}
        self._client: LegnextClient | None = None
        self._opened = trio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, if it is about a repeated request."""
        if record.msg != RETRYING:
            return
        text, now = printable(record.getMessage()), time.monotonic()
        if now - self._said.get(text, -math.inf) >= _AGAIN:
            self._say(text)

    def opened(self, client: LegnextClient) -> None:
        """A command has opened its client."""
        self._client = client
        self._opened.set()

    async def say_if_silent(self) -> None:
        """Say once if the host doesn't answer, or gives nothing but answers that are of no use."""
        await self._opened.wait()
        client, silent = self._client, 0.0
        while client is not None and not self._said:
            await trio.sleep(_INTERVAL)
            stats = client.stats
            if not client._has_answered:  # noqa: SLF001 - it is no API
                silent = silent + _INTERVAL if stats.in_flight else 0.0
                if silent >= _PATIENCE:
                    self._say(f"waiting: no answer yet from {client.base_url}")
            elif stats.polls > stats.troubles + stats.rate_limited:
                return
            elif stats.troubles > 1:
                self._say(f"retrying: {stats.last_error}")

    def _say(self, text: str) -> None:
        self._said[text] = time.monotonic()
        say(printable(text))


_NOTICES: ContextVar[Notices | None] = ContextVar("_NOTICES", default=None)


@contextmanager
def noticing() -> Iterator[Notices]:
    """Print notices while the context is open."""
    notices, level = Notices(), LOGGER.level
    token = _NOTICES.set(notices)
    LOGGER.addHandler(notices)
    try:
        yield notices
    finally:
        LOGGER.setLevel(level)
        LOGGER.removeHandler(notices)
        _NOTICES.reset(token)


def client_for(options: ApiOptions, **settings: Unpack[ClientOptions]) -> LegnextClient:
    """The client of a command: its silence is noticed."""
    notices = _NOTICES.get()
    if notices is not None:
        # Only here, because each message takes time: a simulation makes no use of them.
        LOGGER.setLevel(BELOW_DEBUG)
    client = LegnextClient(base_url=options.base_url, **settings)
    if notices is not None:
        notices.opened(client)
    return client
