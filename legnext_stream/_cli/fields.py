"""A task's fields, as `NAME=VALUE` on a command line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from legnext_stream._cli.exits import UsageError


def read_fields(texts: Iterable[str]) -> dict[str, object]:
    """The fields by name.

    A value that is JSON is what JSON says (`imageNo=0`, `imgUrls=["https://…"]`, `jobId="7"`); any
    other is the text as it stands, and `@FILE` is what a file holds, as `mask` takes it.

    Raises:
        UsageError: One is of another form, comes twice, or names a file that can't be read.
    """
    fields: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (equals and name.isidentifier()):
            raise UsageError(f"{text!r} is not of the form NAME=VALUE")
        if name in fields:
            raise UsageError(f"{name} is given twice")
        fields[name] = _value(value)
    return fields


def _value(text: str) -> object:
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            raise UsageError(f"can't read {text[1:]}: {error.strerror}") from None
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
    return value
