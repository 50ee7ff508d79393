"""Why a request got no answer, in words. The cause is often hidden behind errors without a text."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator, Mapping

import httpx
import trio

from legnext_stream._core.answers import NoReply

# What a text of these errors doesn't say.
_WORDS: Mapping[type[Exception], str] = {
    httpx.ConnectTimeout: "connecting took too long",
    httpx.ReadTimeout: "the host sent nothing for too long",
    httpx.WriteTimeout: "the host took in nothing for too long",
    httpx.PoolTimeout: "no connection was free for too long",
}
# The request was never sent, so repeating it is safe.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.ProxyError,  # it refused to connect us to the host
    httpx.UnsupportedProtocol,
)
_HOW_TO_TRUST = (
    "; if it is to be trusted, set SSL_CERT_FILE to a file with its certificate authority (PEM)"
)
# What no trust in an authority mends, by OpenSSL's number of the fault (X509_V_ERR_…).
_HOW_TO_MEND = {
    **dict.fromkeys((9, 10), "; is the clock of this machine right?"),
    **dict.fromkeys((62, 64), "; the URL must have the name that is in the certificate"),
}


def cause_of(error: Exception, *, proxy: str | None = None) -> str:
    """The cause of an httpx error in words, such as `connection refused`; names the proxy, if any."""
    if isinstance(error, httpx.ProxyError):
        return f"the proxy{'' if proxy is None else f' {proxy}'} refused: {error}"
    return _cause(error) + ("" if proxy is None else f", through the proxy {proxy}")


def _cause(error: Exception) -> str:
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            fault = getattr(cause, "verify_message", None) or str(cause)
            return f"its certificate can't be verified: {fault.rstrip('.')}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {_plain(getattr(cause, 'reason', None)) or cause}"
        if isinstance(cause, socket.gaierror):
            return f"its name can't be resolved: {_plain(cause.strerror) or cause}"
    if type(error) in _WORDS:
        return _WORDS[type(error)]
    numbers = (cause.errno for cause in chain if isinstance(cause, OSError))
    number = next(filter(None, numbers), None)
    if number is not None:
        # Not the error's own text, which may name the address.
        return _plain(os.strerror(number))
    text = str(error)
    if isinstance(error, httpx.RemoteProtocolError):
        if "disconnected" in text:
            return "the host closed the connection without an answer"
        if text.startswith("peer closed"):
            return "the host closed the connection within its answer"
        # What follows is the host's.
        return f"the host broke the rules of HTTP: {text.partition(': bytearray')[0]}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def is_untrusted(error: Exception) -> bool:
    """Whether the host, or a proxy, has a certificate that can't be verified."""
    return _distrust(error) is not None


def _distrust(error: Exception) -> ssl.SSLCertVerificationError | None:
    faults = (each for each in _chain(error) if isinstance(each, ssl.SSLCertVerificationError))
    return next(faults, None)


def no_reply(
    who: str, error: Exception, sent_at: float, *, proxy: str | None, wanted: str = "answer"
) -> NoReply:
    """The outcome of a request to a host, which names it and the proxy."""
    cause, distrust = cause_of(error, proxy=proxy), _distrust(error)
    said = f"{who} gave no {wanted}: {cause}"
    if distrust is not None:
        number = getattr(distrust, "verify_code", 0)
        said = f"{who}: {cause}{_HOW_TO_MEND.get(number, _HOW_TO_TRUST)}"
    return NoReply(
        said,
        sent_at,
        trio.current_time(),
        was_sent=not isinstance(error, _NEVER_SENT),
        kind=type(error).__name__,
        cause=cause,
        is_untrusted=distrust is not None,
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, what caused it, and so on; of several causes at once the first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        else:
            error = error.__cause__ or error.__context__


def _plain(text: str | None) -> str:
    """`Connection refused`, `WRONG_VERSION_NUMBER`: as a part of a sentence."""
    if not text:
        return ""
    if text.isupper():
        return text.replace("_", " ").lower()
    return text[0].lower() + text[1:]
