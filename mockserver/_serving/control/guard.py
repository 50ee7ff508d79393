"""Who may use the admin routes: programs, and the mock's own page; no other page in a browser.

The admin routes have no password, as they listen on this machine alone. But every page that a
browser on this machine shows can make the browser send requests there. Two things give them away:

- Another site's page says so in `Origin`, or in `Sec-Fetch-Site`.
- A page whose own host name was made to lead here (DNS rebinding) seems to be of the same site, but
  the `Host` of its requests is that name. An address can't be made to lead elsewhere, so addresses
  and `localhost` are what is let in, and the names that the mock was told.

In memory there is no browser, and everyone is let in.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mockserver._api.answers import error_answer

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_IN_MEMORY = "memory"
"""What our own server calls the host of a client in memory; no address of a socket reads so."""


def why_refused(headers: dict[str, str], hosts: Collection[str]) -> str | None:
    """Why a request that came over a socket isn't let in; None if it is.

    Args:
        headers: Its header fields, with names in lower case.
        hosts: The names of this machine that are good besides `localhost`.
    """
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
    """ASGI middleware that lets in who may use the admin routes.

    Args:
        app: The admin routes.
        hosts: The names of this machine that are good besides `localhost`.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        client = scope.get("client")
        if client is None or client[0] != _IN_MEMORY:
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
            }
            reason = why_refused(headers, self._hosts)
            if reason is not None:
                await error_answer(403, "Forbidden", reason)(scope, receive, send)
                return
        await self._app(scope, receive, send)
