"""The answer with the page at `/__admin/`."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.resources import files

from starlette.responses import HTMLResponse


@functools.cache
def _text() -> str:
    return files("mockserver._serving.control").joinpath("page.html").read_text("utf-8")


@functools.cache
def _policy() -> str:
    """The Content-Security-Policy: the page may run its own script and style, and ask its server.

    If any text of the world got into the page as markup, it could do nothing.
    """
    hashes = {}
    for tag in ("script", "style"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", _text(), re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        hashes[tag] = f"'sha256-{digest}'"
    return (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def page() -> HTMLResponse:
    """The page that shows the world live."""
    headers = {
        "content-security-policy": _policy(),
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(_text(), headers=headers)
