"""Faults of HTTP: answers that come late, are replaced, or are damaged."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.client import responses
from typing import Final, Literal

import attrs

from mockserver._faults.fault import (
    WITHOUT_BODY,
    Answered,
    Damages,
    Delays,
    ErrorWriter,
    Replaces,
    kinds_in,
)
from mockserver._world.checks import is_seconds
from mockserver._world.durations import Distribution, seconds_at
from mockserver._world.kinds import Range, tried

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"

MOST_BYTES: Final = 1 << 30
"""The size of the largest answer, in bytes. It is never in memory as a whole."""

# Names of fields by RFC 9110, 5.1, and the values that every server and client can carry.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?|")

_UNKNOWN: Final = "Unknown status"

# The server writes these itself.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "date"})


@attrs.frozen
class Delay(Delays):
    """The answer comes later. Several delays add up, and add to the mock's own latency.

    Attributes:
        seconds: How much later, in the world's seconds; or a distribution of it.
    """

    seconds: float | Distribution = attrs.field(validator=is_seconds, metadata=tried(Range(0, 30)))

    def drawn(self, share: float) -> float:
        """The delay, in the world's seconds, for a random number in [0, 1)."""
        return seconds_at(self.seconds, share)


# Answers in the place of the API's own


def _is_code(_instance: object, attribute: attrs.Attribute[int], code: int) -> None:
    if not 200 <= code <= 599:
        raise ValueError(f"{attribute.name} must be the status of an answer, 200–599, not {code}")


def _are_fields(_instance: object, _attribute: object, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"headers must be fields that HTTP can carry, not {name!r}: {value!r}")
        if name.lower() in _FRAMING:
            raise ValueError(f"headers can't have {name!r}: the server writes it")


def _copied(headers: Mapping[str, str]) -> Mapping[str, str]:
    return dict(headers)


def _is_value(_instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    if not value or not _VALUE.fullmatch(value):
        raise ValueError(f"{attribute.name} must be a text in plain ASCII, not {value!r}")


def _is_share(_instance: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{attribute.name} must be from 0 to below 1, not {value}")


def _is_size(_instance: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not 1 <= value <= MOST_BYTES:
        raise ValueError(f"{attribute.name} must be from 1 to {MOST_BYTES}, not {value}")


def _answered(
    code: int, content_type: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answered:
    """An answer in place of the API's. A content type among `headers` replaces `content_type`."""
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    if code in WITHOUT_BODY:
        body = b""
    elif content_type:
        fields = {"content-type": content_type} | fields
    return Answered(code, tuple((k.encode(), v.encode()) for k, v in fields.items()), body)


def _page(code: int) -> bytes:
    """A gateway's error page."""
    title = f"{code} {responses.get(code, _UNKNOWN)}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>gateway</center>\r\n"
        "</body>\r\n</html>\r\n"
    ).encode()


@attrs.frozen
class Status(Replaces):
    """Answers with a status instead of asking the API.

    Attributes:
        code: The status code, 200 to 599.
        body: `"error"`, an error as the API writes it; `"html"`, a gateway's page; or `"empty"`.
        headers: Further header fields, e.g. `{"Retry-After": "30"}`.

    Raises:
        ValueError: A status or a header field that no answer can have.
    """

    code: int = attrs.field(validator=_is_code, metadata=tried(503, 500, 502, 504, 429, 408, 520))
    body: Literal["error", "html", "empty"] = attrs.field(
        default="error", validator=attrs.validators.in_(("error", "html", "empty"))
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict, converter=_copied, validator=_are_fields, hash=False
    )

    def answer(self, write_error: ErrorWriter) -> Answered:
        """The status with its body."""
        match self.body:
            case "error":
                body = write_error(self.code, responses.get(self.code, _UNKNOWN))
                return _answered(self.code, JSON, body, self.headers)
            case "html":
                return _answered(self.code, HTML, _page(self.code), self.headers)
            case _:
                return _answered(self.code, headers=self.headers)


@attrs.frozen
class HtmlPage(Replaces):
    """Answers with an HTML page instead of JSON.

    Attributes:
        code: The status code of the page; 200 is what some proxies send with an error page.
    """

    code: int = attrs.field(default=502, validator=_is_code, metadata=tried(502, 200, 503))

    def answer(self, write_error: ErrorWriter) -> Answered:  # noqa: ARG002 - the base has it
        """The page."""
        return _answered(self.code, HTML, _page(self.code))


@attrs.frozen
class ErrorEnvelope(Replaces):
    """Answers 200 with the body of an error.

    Attributes:
        code: The code in the body.
        message: The message in the body.
    """

    code: int = attrs.field(default=500, metadata=tried(500, 429))
    message: str = "Internal server error"

    def answer(self, write_error: ErrorWriter) -> Answered:
        """The error, with status 200."""
        return _answered(200, JSON, write_error(self.code, self.message))


@attrs.frozen
class Redirect(Replaces):
    """Answers with a redirect.

    The default location can't exist (RFC 2606), so that a client that follows it sends its key to
    no one.

    Attributes:
        location: The target.
        status: The status code: 301, 302, 303, 307 or 308.

    Raises:
        ValueError: Another status, or a location that no header field can carry.
    """

    location: str = attrs.field(default="https://elsewhere.legnext.example/", validator=_is_value)
    status: int = attrs.field(
        default=302,
        validator=attrs.validators.in_((301, 302, 303, 307, 308)),
        metadata=tried(302, 301, 303, 307, 308),
    )

    def answer(self, write_error: ErrorWriter) -> Answered:  # noqa: ARG002 - the base has it
        """The redirect."""
        page = _page(self.status)
        return _answered(self.status, HTML, page, {"location": self.location})


# Damage to an answer


@attrs.frozen
class WrongContentType(Damages):
    """The body is right, but its content type is wrong.

    Attributes:
        content_type: The content type.
    """

    content_type: str = attrs.field(default=HTML, validator=_is_value)

    def damage(self, answered: Answered) -> Answered:
        """The answer with the other type."""
        others = tuple(field for field in answered.headers if field[0] != b"content-type")
        content_type = (b"content-type", self.content_type.encode())
        return attrs.evolve(answered, headers=(*others, content_type))


@attrs.frozen
class Truncated(Damages):
    """The body ends too early, but `Content-Length` is that of the rest, so HTTP sees no error.

    For a connection that ends within a body, see the fault `Close`.

    Attributes:
        share: The share of the body that is left, from 0 to below 1.
    """

    share: float = attrs.field(default=0.5, validator=_is_share, metadata=tried(0.5, 0.0, 0.99))

    def damage(self, answered: Answered) -> Answered:
        """The beginning of the answer."""
        body = answered.body[: int(len(answered.body) * self.share)]
        return attrs.evolve(answered, body=body, padding=0)


@attrs.frozen
class MalformedJson(Damages):
    """The body is complete and looks like JSON, but isn't.

    Attributes:
        how: `"trailing-comma"`, a comma before the last bracket; `"single-quotes"`, as in a printed
            dict; or `"invalid-utf8"`, a byte that is no UTF-8.
    """

    how: Literal["trailing-comma", "single-quotes", "invalid-utf8"] = attrs.field(
        default="trailing-comma",
        validator=attrs.validators.in_(("trailing-comma", "single-quotes", "invalid-utf8")),
    )

    def damage(self, answered: Answered) -> Answered:
        """The answer with the mistake in it."""
        body = answered.body
        match self.how:
            case "trailing-comma":
                body = body[:-1] + b"," + body[-1:]
            case "single-quotes":
                body = body.replace(b'"', b"'")
            case _:
                # Within the first string, so that the text is wrong rather than the structure.
                before, quote, after = body.partition(b'"')
                body = before + quote + b"\xff" + after
        return attrs.evolve(answered, body=body)


@attrs.frozen
class Oversized(Damages):
    """The body is larger than any client should accept: JSON with a long tail of spaces.

    Attributes:
        bytes: The smallest size of the body, up to 1 GiB.
    """

    # Examples are larger than any job, but small enough for hundreds of them.
    bytes: int = attrs.field(default=64 << 20, validator=_is_size, metadata=tried(1 << 20))

    def damage(self, answered: Answered) -> Answered:
        """The answer with the spaces."""
        missing = self.bytes - len(answered.body)
        return attrs.evolve(answered, padding=max(answered.padding, missing))


HTTP_FAULTS: Final = kinds_in(__name__)
"""The kinds of faults of HTTP."""
