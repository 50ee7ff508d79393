"""What HTTP/2 takes beyond HTTP/1.1: a package of its own, and that its log doesn't show the key."""

from __future__ import annotations

import logging

from legnext_stream.errors import ConfigurationError


def prepare_http2() -> type[Exception]:
    """Make ready for HTTP/2.

    Returns:
        What a host that breaks the rules of HTTP/2 can cause, beside httpx's own errors.

    Raises:
        ConfigurationError: The package for it isn't installed.
    """
    try:
        # Only who asks for HTTP/2 needs it, and waits for its import.
        from h2.exceptions import H2Error  # noqa: PLC0415 - see above
    except ImportError:
        raise ConfigurationError(
            "http2=True needs the package h2: pip install 'legnext-stream[http2]'"
        ) from None
    for name in ("hpack.hpack", "hpack.table"):
        # It is the same object each time, and a logger takes the same filter once only.
        logging.getLogger(name).addFilter(_WITHOUT_KEY)
    return H2Error


class _WithoutKey(logging.Filter):
    """Leaves out what would show the key, in clear or packed: hpack logs the headers it packs."""

    def filter(self, record: logging.LogRecord) -> bool:
        names = record.args if isinstance(record.args, tuple) else ()
        return b"x-api-key" not in names and not str(record.msg).startswith("Encoded header block")


_WITHOUT_KEY = _WithoutKey()
