"""Where webhooks may be sent: to this machine, unless told otherwise.

A mock sends requests to URLs that its clients choose. So that it can't be made to send them to
others' servers, no name but `localhost` is looked up, and no address but a loopback address in its
plain form is connected to: not `127.1`, nor an address written as one number.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import httpx

_PORTS = range(1, 65536)


def without_password(url: str) -> str:
    """A URL without the user name and password it may have, to be written down."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return url
    return str(parsed.copy_with(userinfo=b"")) if parsed.userinfo else url


def why_refused(url: str, allowed_hosts: Collection[str]) -> str | None:
    """Why nothing is sent to a URL; None where it may be.

    Args:
        url: The URL, as it came over the wire.
        allowed_hosts: Names and addresses that are allowed beyond the loopback ones; each is
            compared as a whole.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        return f"it is no URL: {error}"
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        return "it is no URL of http or https"
    if parsed.port is not None and parsed.port not in _PORTS:
        return f"there is no port {parsed.port}"
    # This is the host that is connected to, rather than the one that is shown.
    host = parsed.raw_host.decode("ascii")
    if _is_loopback(host) or host in map(str.lower, allowed_hosts):
        return None
    return f"{host} is not this machine, and is not among the allowed hosts"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
