"""Keeps web pages other than the mock's own away from the admin routes.

The admin routes need no password, as only this machine can reach them. But any page in a browser on
this machine can have the browser send requests to them. Two things identify such requests:

- A request from the page of another site says so in `Origin` or `Sec-Fetch-Site`.
- With DNS rebinding, a page's own host name resolves to this machine. Its requests seem to be of the
  same site, but have that name in `Host`. So only addresses, `localhost` and configured names are
  allowed there.

In memory there is no browser, and all requests are allowed.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mockserver._api.answers import error_answer
from mockserver._api.files import IN_MEMORY

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send


def why_refused(headers: dict[str, str], hosts: Collection[str]) -> str | None:
    """Why a request over a socket is refused, by its header fields in lower case, or None."""
    host = headers.get("host", "")
    name = _name_in(host)
    if not (_is_own(name) or name in hosts):
        return f"the admin routes don't know the host {name!r}: use an address, or admin_hosts"
    origin = headers.get("origin")
    if origin is not None and origin not in {f"http://{host}", f"https://{host}"}:
        return "the admin routes take no requests from the pages of other sites"
    site = headers.get("sec-fetch-site", "none")
    is_link = headers.get("sec-fetch-mode") == "navigate"
    if site not in {"none", "same-origin"} and not is_link:
        return "the admin routes take no requests from the pages of other sites"
    return None


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_own(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """ASGI middleware before the admin routes; `hosts` are allowed in addition to `localhost`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        client = scope.get("client")
        if client is None or client[0] != IN_MEMORY:
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            }
            reason = why_refused(headers, self._hosts)
            if reason is not None:
                await error_answer(403, "Forbidden", reason)(scope, receive, send)
                return
        await self._app(scope, receive, send)
