"""Which strings can be a job id."""

from __future__ import annotations

import re

from legnext_stream.errors import InvalidJobId

# The API's ids are UUIDs. Anything that is safe in a URL's path without quoting is accepted, so the
# library survives if the API changes them. Dots and slashes are not, so an id can never change the
# rest of the path (RFC 3986, section 5.2.4).
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def check_job_id(item: object) -> str:
    """Return `item` if it can be a job id.

    Raises:
        InvalidJobId: `item` is no string, is empty, is longer than 128 characters, or has
            characters that no id has. The message quotes it.
    """
    if not isinstance(item, str):
        msg = f"a job id is a string, not {_shown(item)} ({type(item).__name__})"
        raise InvalidJobId(msg)
    if not item:
        raise InvalidJobId("a job id can't be an empty string ('')")
    if _ID.fullmatch(item) is None:
        msg = f"{_shown(item)} is not a job id: only letters, digits, '-' and '_' can be in one, at most 128"
        raise InvalidJobId(msg)
    return item


def is_same_id(said: object, asked: str) -> bool:
    """Whether an answer's id is the one that was asked for."""
    # UUIDs are case-insensitive (RFC 9562, section 4).
    return said == asked or (isinstance(said, str) and said.lower() == asked.lower())


def _shown(item: object) -> str:
    """The item's repr, shortened for a message."""
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."
