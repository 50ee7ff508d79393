"""Where job ids come from: one a line; what follows a `#` is a comment, blank lines are let pass."""

from __future__ import annotations

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.lines_in import LineStream, items_of, text_of
from legnext_stream._core.model.ids import check_job_id
from legnext_stream.errors import InvalidJobId


def parse_line(line: bytes, where: str) -> str | None:
    """The id on a line, or None if there is none.

    Raises:
        UsageError: What stands there can't be an id; the message names the place and the item.
    """
    item = text_of(line).partition("#")[0].strip()
    return check_item(item, where) if item else None


def check_item(item: str, where: str) -> str:
    """Return `item` if it can be a job id.

    Raises:
        UsageError: It can't be; the message names the place and the item.
    """
    try:
        return check_job_id(item)
    except InvalidJobId as error:
        raise UsageError(f"{where}: {error}") from None


def read_file(path: str) -> list[str]:
    """All ids of a file, each of them checked, so that nothing begins before the last is read.

    Raises:
        UsageError: The file can't be read, or has a line that can't be an id.
    """
    return list(items_of(path, parse_line))


def id_stream(fd: int, name: str) -> LineStream[str]:
    """The ids on an open descriptor, each as soon as its line is there.

    Args:
        fd: The descriptor.
        name: What messages call it.
    """
    return LineStream(fd, name, parse_line)
