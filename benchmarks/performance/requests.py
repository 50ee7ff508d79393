"""Status requests a second over loopback sockets: ours, the vendor's client, and plain httpx.

The server is another process and answers faster than any client sends; see its row. HTTP/2 needs TLS,
so it is compared with HTTP/1.1 over TLS, on a server that has both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from benchmarks.performance.clients import (
    HTTPCORE_EACH,
    HTTPX_EACH,
    HTTPX_SHARED,
    OURS,
    OURS_HTTP2,
    OURS_TLS,
    SOCKETS,
    VENDORS,
    WATCH,
    requests_a_second,
)
from benchmarks.performance.constant_server import constant_server
from benchmarks.performance.rounds import Row, alternate, child, ratio_row
from benchmarks.performance.secure_server import SecureServer, secure_server

_NAME: Final = "status requests per second, {} in flight"
_SECONDS: Final = 2.0
_ROUNDS: Final = 5
_QUICK_SECONDS: Final = 0.5
_QUICK_ROUNDS: Final = 1
_LEVELS: Final = (1, 10, 50, 100, 200, 500)
_LINES: Final = (OURS, HTTPX_EACH, HTTPX_SHARED, HTTPCORE_EACH, VENDORS)

Take = Callable[[], float]
"""One round: requests a second."""


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Compare with 100 requests in flight; unless `quick`, everything else too."""
    with constant_server() as url:
        if quick:
            return _quick(url)
        first, *others = _plain(url)
        with secure_server() as server:
            lines = _lines(url, server)
            return [attrs.evolve(first, series=lines), *others, *_secure(server)]


def _quick(url: str) -> list[Row]:
    def at_100(client: str) -> Take:
        return lambda: child(requests_a_second, client, url, 100, _QUICK_SECONDS)

    compare = partial(_row, rounds=_QUICK_ROUNDS)
    return [
        compare(at_100(OURS), at_100(VENDORS), VENDORS, target=4.0, quick_bound=1.5),
        compare(at_100(OURS), at_100(HTTPX_EACH), HTTPX_EACH, target=0.9, quick_bound=0.4),
    ]


def _plain(url: str) -> list[Row]:
    def take(client: str, in_flight: int = 100) -> Take:
        return lambda: child(requests_a_second, client, url, in_flight, _SECONDS)

    ours = take(OURS)
    watch = _NAME.format(100) + ", a whole watch"
    server = _NAME.format(100) + ", capacity of the server"
    itself = "itself, 10 in flight"
    return [
        _row(ours, take(VENDORS), VENDORS, target=4.0, quick_bound=1.5),
        _row(ours, take(HTTPX_EACH), HTTPX_EACH, target=0.9, quick_bound=0.4),
        _row(ours, take(HTTPCORE_EACH), HTTPCORE_EACH, target=0.7),
        _row(ours, take(OURS, 10), itself, target=0.85),
        _row(take(OURS, 500), take(OURS, 10), itself, target=0.85, name=_NAME.format(500)),
        _row(take(WATCH), take(VENDORS), VENDORS, target=3.0, name=watch),
        _row(take(SOCKETS), ours, OURS, target=2.0, name=server),
    ]


def _secure(server: SecureServer) -> list[Row]:
    def take(client: str) -> Take:
        return lambda: _by_tls(server, client, 100)

    name = _NAME.format(100) + ", by HTTP/2"
    against = "ours by HTTP/1.1, both over TLS"
    return [_row(take(OURS_HTTP2), take(OURS), against, target=0.5, name=name)]


def _by_tls(server: SecureServer, client: str, in_flight: int) -> float:
    return child(requests_a_second, client, server.url, in_flight, _SECONDS, server.certificates)


def _lines(url: str, server: SecureServer) -> dict[str, list[tuple[float, float]]]:
    """Requests a second against requests in flight, by client: one round for each point."""
    lines = {
        client: [
            (float(level), child(requests_a_second, client, url, level, _SECONDS))
            for level in _LEVELS
        ]
        for client in _LINES
    }
    by_tls = {OURS_TLS: OURS, OURS_HTTP2: OURS_HTTP2}
    for name, client in by_tls.items():
        lines[name] = [(float(level), _by_tls(server, client, level)) for level in _LEVELS]
    return lines


def _row(
    ours: Take,
    theirs: Take,
    against: str,
    *,
    target: float,
    name: str = _NAME.format(100),
    quick_bound: float | None = None,
    rounds: int = _ROUNDS,
) -> Row:
    pairs = alternate(ours, theirs, rounds)
    return ratio_row(name, against, pairs, target=target, at_least=True, quick_bound=quick_bound)
