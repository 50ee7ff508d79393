"""The ASGI application that receives the API's callbacks: bare ASGI, for any server on any event loop.

It reads, checks and passes on, and never waits for a watch: nothing of Trio runs in the server's event
loop. Its answers reveal no more than whether a request was right or wrong.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Final

import attrs

from legnext_stream._log import CallbackLog
from legnext_stream._webhooks.checking import Checker, Finding, signature_of
from legnext_stream._webhooks.exchange import Exchange
from legnext_stream.errors import ConfigurationError

# In ASGI these are mappings; each framework has types of its own for them.
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST_BYTES: Final = 2**20
_SIGNATURE: Final = b"x-legnext-signature"
_TIMESTAMP: Final = b"x-legnext-timestamp"
_ANSWERS: Final = {
    Finding.VERIFIED: (204, b""),
    Finding.UNSIGNED: (202, b"not signed: used as a hint only\n"),
    Finding.FORGED: (401, b"the signature is wrong\n"),
    Finding.REPLAYED: (409, b"a replay of an earlier request\n"),
    Finding.STALE: (400, b"too old\n"),
    Finding.MALFORMED: (400, b"not a callback about a job\n"),
}


@attrs.frozen(kw_only=True)
class WebhookStats:
    """A snapshot of the requests that a receiver has got.

    Attributes:
        verified: Callbacks with a right signature, which were passed on.
        unsigned: Callbacks without a signature, or to a receiver without a secret. Each leads to one
            poll at most.
        forged: Refused, because the signature was wrong.
        replayed: Refused, because the same request had come before.
        stale: Refused, because they were too old.
        too_large: Refused, because the body was too large.
        malformed: Refused, because they were not a callback about a job.
        unknown_job: Verified callbacks about jobs that no watch has asked about in time.
    """

    verified: int = 0
    unsigned: int = 0
    forged: int = 0
    replayed: int = 0
    stale: int = 0
    too_large: int = 0
    malformed: int = 0
    unknown_job: int = 0


class _TooLargeError(Exception):
    """The body is larger than it may be."""


class _GoneError(Exception):
    """The client hung up before the end of the body."""


class WebhookReceiver:
    """An ASGI application that receives the API's callbacks, for any number of watches; see `webhook_app`.

    It is thread-safe: the server may run in any thread, on any event loop, and each watch in a Trio run
    of its own.
    """

    def __init__(
        self,
        secret: str | bytes | None,
        *,
        url: str | None = None,
        path: str | None = None,
        freshness: float = 300.0,
        max_body: int = _MOST_BYTES,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if secret is not None:
            _check_secret(secret)
        if not (math.isfinite(freshness) and freshness > 0):
            raise ConfigurationError(f"freshness must be above 0 s and finite, not {freshness!r}")
        if max_body < 1:
            raise ConfigurationError(f"max_body must be at least 1 byte, not {max_body!r}")
        if path is not None and not path.startswith("/"):
            raise ConfigurationError(f"path must begin with a slash, not {path!r}")
        self._url = url
        self._path = None if path is None else path.rstrip("/")
        self._max_body = max_body
        self._wall_clock = wall_clock
        self._exchange = Exchange(wall_clock)
        # For the checker and the counts, because a server may have several threads.
        self._lock = threading.Lock()
        self._checker = Checker(secret, freshness)
        self._log = CallbackLog()
        self._found: Counter[Finding] = Counter()
        self._too_large = 0

    def __repr__(self) -> str:
        return f"<WebhookReceiver {self._url or 'without a URL'}>"

    @property
    def url(self) -> str | None:
        """The URL at which the API reaches it, as given: `generate` submits it as `callback`."""
        return self._url

    @property
    def stats(self) -> WebhookStats:
        """The requests that it has got so far."""
        with self._lock:
            return WebhookStats(
                **{finding.name.lower(): self._found[finding] for finding in Finding},
                too_large=self._too_large,
                unknown_job=self._exchange.forgotten,
            )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI scope."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            # A WebSocket. Closed before it is accepted, it is refused by the server with 403.
            await send({"type": "websocket.close"})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        if not self._is_here(scope):
            # Callbacks are POSTs; anything else is a health check, or a stranger.
            if scope["method"] == "POST":
                self._refused("path", f"it came to {scope['path'][:200]!r}, not to {self._path!r}")
            await _answer(send, 404, b"nothing here\n")
        elif scope["method"] != "POST":
            await _answer(send, 405, b"only POST\n", (b"allow", b"POST"))
        else:
            try:
                body = await self._read(scope, receive)
            except _TooLargeError:
                with self._lock:
                    self._too_large += 1
                self._refused("size", f"it is larger than {self._max_body} bytes")
                await _answer(send, 413, b"too large\n", (b"connection", b"close"))
            except _GoneError:
                return
            else:
                await _answer(send, *_ANSWERS[self._take(scope, body)])

    def _is_here(self, scope: Message) -> bool:
        """Whether a request is for us. Servers differ in whether `path` includes the mount's path."""
        path: str = scope["path"].rstrip("/")
        root = scope.get("root_path", "").rstrip("/")
        return self._path is None or self._path in {path, path.removeprefix(root), root + path}

    def _refused(self, kind: str, reason: str) -> None:
        """Log a request that is refused."""
        self._log.refused(self._wall_clock(), kind, reason)

    async def _read(self, scope: Message, receive: Receive) -> bytes:
        declared = _header(scope, b"content-length")
        if declared and declared[0].isdigit() and int(declared[0][:20]) > self._max_body:
            raise _TooLargeError
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _GoneError
            body += message.get("body", b"")
            if len(body) > self._max_body:
                raise _TooLargeError
            if not message.get("more_body", False):
                return bytes(body)

    def _take(self, scope: Message, body: bytes) -> Finding:
        """Check a request, count it, and pass its callback on."""
        signatures, timestamps = _header(scope, _SIGNATURE), _header(scope, _TIMESTAMP)
        with self._lock:
            checked = self._checker.check(self._wall_clock(), body, signatures, timestamps)
            self._found[checked.finding] += 1
        callback = checked.callback
        if callback is not None and checked.finding is Finding.VERIFIED:
            self._exchange.put(callback)
        elif callback is not None:
            self._exchange.hint(callback.job_id)
        else:
            self._refused(checked.finding.name, checked.reason)
        return checked.finding

    @property
    def exchange(self) -> Exchange:
        """Passes its callbacks to watches."""
        return self._exchange


def webhook_app(
    secret: str | bytes | None,
    *,
    url: str | None = None,
    path: str | None = None,
    freshness: float = 300.0,
    max_body: int = _MOST_BYTES,
    wall_clock: Callable[[], float] = time.time,
) -> WebhookReceiver:
    """Make an ASGI application that receives the API's callbacks, to be given to watches as `webhooks=`.

    Serve it with any ASGI server, alone or mounted in your application. A callback with a right
    signature becomes an event at once. One without a signature may come from anywhere, so it only has
    its job polled soon. Requests that are forged, stale, replayed, too large or not a callback are
    refused with a 4xx status, and logged with the reason. See `docs/how-to/webhooks.md`.

    Args:
        secret: The secret that the API signs callbacks with, as text or bytes; None if it signs
            none, so that all callbacks are hints only.
        url: The URL at which the API reaches the application. `generate` submits it as `callback`.
        path: The only path that is served, such as `"/hook"`, with and without a slash at its end;
            by default any.
        freshness: How old a signed callback may be, seconds. That goes by its
            `X-Legnext-Timestamp`, or else by when its job ended.
        max_body: The largest body, bytes.
        wall_clock: Returns the time that timestamps are compared with, seconds since 1970.

    Raises:
        ConfigurationError: The secret is empty, can't be encoded, or begins or ends with white
            space; `path` has no slash at its beginning; or `freshness` or `max_body` is out of
            range.
    """
    return WebhookReceiver(
        secret,
        url=url,
        path=path,
        freshness=freshness,
        max_body=max_body,
        wall_clock=wall_clock,
    )


def _check_secret(secret: object) -> None:
    """Refuse what can't be the secret, before a callback comes.

    Raises:
        ConfigurationError: It can't be.
    """
    if not isinstance(secret, str | bytes):
        msg = f"the secret must be text or bytes, not {type(secret).__name__}"
        raise ConfigurationError(msg)
    if not secret:
        raise ConfigurationError("the secret is empty: pass None if callbacks are not signed")
    if secret != secret.strip():
        # It came from a file or was pasted, and every callback would look forged.
        raise ConfigurationError("the secret begins or ends with white space: call strip() on it")
    try:
        signature_of(secret, b"")
    except UnicodeEncodeError:
        raise ConfigurationError("the secret has characters that can't be encoded") from None


def _header(scope: Message, name: bytes) -> list[bytes]:
    """All values of a header. In ASGI names are in lower case."""
    return [value for header, value in scope["headers"] if header == name]


async def _answer(send: Send, status: int, text: bytes, *headers: tuple[bytes, bytes]) -> None:
    fields = [(b"content-type", b"text/plain; charset=utf-8")] if text else []
    if status != 204:
        fields.append((b"content-length", str(len(text)).encode()))
    await send(
        {"type": "http.response.start", "status": status, "headers": [*fields, *headers]},
    )
    await send({"type": "http.response.body", "body": text})


async def _live(receive: Receive, send: Send) -> None:
    """Confirm the server's start and shutdown: there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
