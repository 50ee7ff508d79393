"""Requests to the API. The key is in a header and nowhere else."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Final, NoReturn

import httpx
import msgspec

from legnext_stream._http.transports import is_port
from legnext_stream._version import __version__
from legnext_stream.errors import ConfigurationError


class Request(msgspec.Struct, frozen=True):
    """One request to the API."""

    method: str
    path: str  # the path below the base URL, quoted
    json: object = None  # a JSON body, or None
    # The files of a multipart body by field name, or None: (name, content, media type).
    files: Mapping[str, tuple[str, bytes, str]] | None = None
    fields: Mapping[str, str] | None = None  # the other fields of a multipart body


def parse_base_url(text: str) -> str:
    """The base URL without a trailing slash, `/api` or `/api/v1`, which other clients expect there.

    Raises:
        ConfigurationError: It is not an http or https URL with a host.
    """
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError) as error:
        msg = f"base_url={text!r} is not a URL: {error}"
        raise ConfigurationError(msg) from None
    if url.userinfo:
        # They may be secret, so the message doesn't show them; and a base URL is shown in logs.
        raise ConfigurationError(
            "base_url must have no user and password: the API takes only a key"
        )
    if url.scheme not in {"http", "https"} or not url.host or not is_port(url.port):
        msg = f"base_url must look like https://api.legnext.ai, not {text!r}"
        raise ConfigurationError(msg)
    path = url.path.rstrip("/").removesuffix("/v1").removesuffix("/api")
    return str(url.copy_with(path=path or "/", query=None, fragment=None)).rstrip("/")


_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
# What the connection, the body and the key decide.
_OURS: Final = frozenset({
    "accept-encoding", "connection", "content-length", "content-type", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "x-api-key",
})  # fmt: skip


def _is_all(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's header fields. Messages show no value, which may be secret.

    Raises:
        ConfigurationError: One can't be sent, or is set by the library.
    """
    for name, value in headers.items():
        # The syntax of RFC 9110, section 5, without characters that servers read differently.
        if not _is_all(_NAME, name):
            msg = f"headers: {name!r} is not the name of a header field"
            raise ConfigurationError(msg)
        if name.lower() in _OURS:
            msg = f"headers: {name} is set by the library"
            raise ConfigurationError(msg)
        if not _is_all(_VALUE, value):
            msg = (
                f"headers: the value of {name} is not printable ASCII text without spaces around it"
            )
            raise ConfigurationError(msg)
    return dict(headers)


class Writer:
    """Builds the requests to one host. Holds the key, which no repr shows."""

    # Without a `__dict__`, nothing that prints the attributes of objects prints the key.
    __slots__ = ("_base_url", "_extensions", "_headers", "_key")

    def __init__(
        self, base_url: str, api_key: str, timeout: httpx.Timeout, headers: Mapping[str, str]
    ) -> None:
        self._base_url = base_url
        self._key = api_key
        # The same for all requests, so they are built once: letting an httpx client build them
        # costs as much as sending the request.
        self._extensions = {"timeout": timeout.as_dict()}
        self._headers = httpx.Headers(
            [
                (b"host", httpx.URL(base_url).netloc),
                (b"user-agent", f"legnext-stream/{__version__}".encode()),
                (b"accept", b"application/json"),
                (b"accept-encoding", b"gzip"),
                (b"x-api-key", api_key.encode()),
            ]
        )
        self._headers.update(_checked(headers))

    def __reduce__(self) -> NoReturn:
        # A pickle would have the key in it, and end up in a file or another process's memory.
        raise TypeError("what holds the API key can't be pickled: make a client in each process")

    def write(self, request: Request) -> httpx.Request:
        """The request in httpx's form.

        Raises:
            httpx.InvalidURL: The path is invalid.
        """
        url = self._base_url + request.path
        if request.method != "GET":
            return httpx.Request(
                request.method,
                url,
                headers=self._headers,
                json=request.json,
                files=request.files,
                data=request.fields,
                extensions=self._extensions,
            )
        # With an explicit empty body, building the request takes a tenth of the time.
        wire = httpx.Request(
            "GET", url, headers=self._headers, stream=_NO_BODY, extensions=self._extensions
        )
        wire.read()
        return wire

    def fingerprint(self, salt: str) -> str:
        """A hash that differs between keys, and from which the key can't be derived."""
        return hmac.new(salt.encode(), self._key.encode(), hashlib.sha256).hexdigest()[:32]


_NO_BODY = httpx.ByteStream(b"")
