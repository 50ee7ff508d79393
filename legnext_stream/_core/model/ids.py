"""What can be a job id, and what can't."""

from __future__ import annotations

import re

from legnext_stream.errors import InvalidJobId

# The API's ids are UUIDs. Anything that is safe in a URL's path without quoting is let through, so
# that a change of scheme at the API does not lock anybody out; dots and slashes are not, so that an
# id can never climb out of its place in the path.
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def check_job_id(item: object) -> str:
    """Return `item` if it can be a job id.

    Raises:
        InvalidJobId: `item` is no string, is empty, is longer than 128 characters, or has
            characters no id has. The message names the item.
    """
    if not isinstance(item, str):
        msg = f"a job id is a string, not {_shown(item)} ({type(item).__name__})"
        raise InvalidJobId(msg)
    if not item:
        raise InvalidJobId("a job id can't be an empty string ('')")
    if _ID.fullmatch(item) is None:
        msg = f"{_shown(item)} is no job id: only letters, digits, '-' and '_', at most 128 of them"
        raise InvalidJobId(msg)
    return item


def is_same_id(said: object, asked: str) -> bool:
    """Whether an answer's id is the one that was asked about."""
    # The ids are UUIDs, which one side may write in capitals.
    return said == asked or (isinstance(said, str) and said.lower() == asked.lower())


def _shown(item: object) -> str:
    """The item as it may stand in a message: its repr, cut to a readable length."""
    text = repr(item)
    return text if len(text) <= 80 else text[:77] + "..."
