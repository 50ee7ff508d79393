"""Where the mock may send requests: to this machine, and to hosts that are allowed.

Clients choose the URLs of webhooks. So that they can't make the mock send requests to the servers of
others, it only resolves the name `localhost`, and only connects to loopback addresses in their
canonical form: not `127.1`, nor an address written as one number.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import httpx

_PORTS = range(1, 65536)


def without_password(url: str) -> str:
    """A URL without user name and password, to write it to a journal."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return str(parsed.copy_with(userinfo=b"")) if parsed.userinfo else url


def why_refused(url: str, allowed_hosts: Collection[str]) -> str | None:
    """Why no request may be sent to a URL, or None: this machine and `allowed_hosts` are allowed."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        return f"it is not a URL: {error}"
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        return "it is not an http or https URL"
    if parsed.port is not None and parsed.port not in _PORTS:
        return f"there is no port {parsed.port}"
    # The host to connect to, which `host` shows in another form if it isn't ASCII.
    host = parsed.raw_host.decode("ascii")
    if is_loopback(host) or host in map(str.lower, allowed_hosts):
        return None
    return f"{host} is not this machine, and is not among the allowed hosts"


def is_loopback(host: str) -> bool:
    """Whether a name or an address is that of this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
