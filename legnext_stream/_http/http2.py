"""HTTP/2: it needs the package h2, whose log must not show the key."""

from __future__ import annotations

import logging

from legnext_stream.errors import ConfigurationError


def prepare_http2() -> type[Exception]:
    """Prepare for HTTP/2; return the base class of errors that a host can cause by violating it.

    Raises:
        ConfigurationError: The package h2 isn't installed.
    """
    try:
        # Imported only for those who ask for HTTP/2.
        from h2.exceptions import H2Error  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationError(
            "http2=True needs the package h2: pip install 'legnext-stream[http2]'"
        ) from None
    for name in ("hpack.hpack", "hpack.table"):
        # A logger ignores a filter that it has already.
        logging.getLogger(name).addFilter(_WITHOUT_KEY)
    return H2Error


class _WithoutKey(logging.Filter):
    """Drops records that would show the key, plain or compressed: hpack logs the headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        names = record.args if isinstance(record.args, tuple) else ()
        return b"x-api-key" not in names and not str(record.msg).startswith("Encoded header block")


_WITHOUT_KEY = _WithoutKey()
