"""Transports: connections to a host, with the proxies and certificates of the environment."""

from __future__ import annotations

import os
import ssl
from importlib.util import find_spec
from typing import Final
from urllib.request import getproxies

import httpx

from legnext_stream.errors import ConfigurationError

CONNECT_TIMEOUT = 5.0
"""How long connecting may take, in seconds."""
IDLE = 30.0
"""How long an unused connection is kept, in seconds."""
CLOSING = 1.0
"""How long closing a connection may take, in seconds."""

_PROXY_SCHEMES: Final = frozenset({"http", "https", "socks5", "socks5h"})


class Client(httpx.AsyncClient):
    """Chooses a transport. Nothing else of httpx's client is used."""

    def transport_for(self, url: httpx.URL | str) -> httpx.AsyncBaseTransport:
        """The transport for this host: through a proxy, if the environment says so."""
        # httpx has no public method for it.
        return self._transport_for_url(httpx.URL(url))

    def proxy_for(self, url: httpx.URL | str) -> str | None:
        """The proxy for this host, without its user and password; None without one."""
        # httpx has no public attribute for it.
        proxy = getattr(getattr(self.transport_for(url), "_pool", None), "_proxy_url", None)
        if proxy is None:
            return None
        port = "" if proxy.port is None else f":{proxy.port}"
        return f"{proxy.scheme.decode('ascii')}://{proxy.host.decode('ascii')}{port}"


def open_client(context: ssl.SSLContext, limits: httpx.Limits, *, http2: bool = False) -> Client:
    """Open a client with the proxies of the environment.

    Raises:
        ConfigurationError: A variable for proxies can't be used; the message names it.
    """
    _check_proxies()
    try:
        return Client(verify=context, limits=limits, http2=http2)
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationError(
            f"{_name_of('no_proxy')} has an entry that is no host; an IPv6 address has no brackets there"
        ) from None


def _check_proxies() -> None:
    """Check the proxies that httpx will use. Its own messages may show a proxy's password."""
    given = getproxies()
    if "*" in map(str.strip, given.get("no", "").split(",")):
        return
    for scheme in ("http", "https", "all"):
        if not (text := given.get(scheme)):
            continue
        name = _name_of(f"{scheme}_proxy")
        try:
            url = httpx.URL(text if "://" in text else f"http://{text}")
        except (httpx.InvalidURL, UnicodeEncodeError):
            url = httpx.URL()
        if url.scheme not in _PROXY_SCHEMES or not url.host or not is_port(url.port):
            msg = f"{name} is not the URL of a proxy, such as http://127.0.0.1:3128"
            raise ConfigurationError(msg)
        if url.scheme.startswith("socks") and find_spec("socksio") is None:
            msg = f"{name} names a SOCKS proxy, which needs a package: pip install 'httpx[socks]'"
            raise ConfigurationError(msg)


def is_port(port: int | None) -> bool:
    """Whether a URL's port, or None if it has none, can be connected to."""
    return port is None or 0 < port < 65536


def _name_of(variable: str) -> str:
    """The name of a variable as it is set: most programs take both cases."""
    return variable if os.environ.get(variable) else variable.upper()


def ssl_context(*, is_needed: bool) -> ssl.SSLContext:
    """The trusted certificates; an empty context for plain http, because loading takes 20 ms.

    Raises:
        ConfigurationError: They can't be loaded; the message names the variable that says from where.
    """
    if not is_needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The folder counts only without a file.
    name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
    place = os.environ.get(name)
    # OpenSSL takes a missing folder for one without certificates: all hosts would be distrusted.
    if name == "SSL_CERT_DIR" and place and not os.path.isdir(place):  # noqa: PTH112 - Path.is_dir() raises if it may not look
        raise ConfigurationError(f"SSL_CERT_DIR={place}: there is no such folder")
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        # OpenSSL's own words end with a line number of its source.
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        named = f"{name}={place}" if place else "the trusted certificates"
        # Python opens this log together with the certificates.
        log = os.environ.get("SSLKEYLOGFILE")
        named += f" or SSLKEYLOGFILE={log}" if log else ""
        raise ConfigurationError(
            f"{named} can't be read: {reason.replace('_', ' ').lower()}"
        ) from error
