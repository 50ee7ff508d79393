"""What carries requests to a host: by which proxy, and whom it trusts, as the environment has it."""

from __future__ import annotations

import ssl

import httpx


class Client(httpx.AsyncClient):
    """Used for the one thing it alone knows: by which proxy, if any, a host is to be reached."""

    def carrier(self, url: httpx.URL | str) -> httpx.AsyncBaseTransport:
        """What carries requests to this host, as the environment's settings have it."""
        return self._transport_for_url(httpx.URL(url))


def ssl_context(*, is_needed: bool) -> ssl.SSLContext:
    """Whom to trust. Where no host is asked by https, an empty one, for loading takes 20 ms."""
    return httpx.create_ssl_context() if is_needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
