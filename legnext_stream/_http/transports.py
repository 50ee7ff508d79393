"""Transports: connections to a host, with the proxies and certificates of the environment."""

from __future__ import annotations

import ssl

import httpx

CONNECT_TIMEOUT = 5.0
"""How long connecting may take, in seconds."""
IDLE = 30.0
"""How long an unused connection is kept, in seconds."""
CLOSING = 1.0
"""How long closing a connection may take, in seconds."""


class Client(httpx.AsyncClient):
    """Chooses a transport. Nothing else of httpx's client is used."""

    def transport_for(self, url: httpx.URL | str) -> httpx.AsyncBaseTransport:
        """The transport for this host: through a proxy, if the environment says so."""
        # httpx has no public method for it.
        return self._transport_for_url(httpx.URL(url))


def ssl_context(*, is_needed: bool) -> ssl.SSLContext:
    """The trusted certificates; an empty context for plain http, because loading takes 20 ms."""
    return httpx.create_ssl_context() if is_needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
