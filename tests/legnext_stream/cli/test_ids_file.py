"""Reading ids from files and streams."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.ids_file import id_stream, parse_line, read_file


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: (reading end, writing end). A test may close the writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    with contextlib.suppress(OSError):
        os.close(writing)


@pytest.mark.parametrize(
    ("line", "job_id"),
    [
        (b"job-1", "job-1"),
        (b"  job-1\t\r", "job-1"),
        (b"job-1 # the fox", "job-1"),
        (b"\xef\xbb\xbfjob-1", "job-1"),
        (b"", None),
        (b" \r", None),
        (b"# a comment, with an \xff in it", None),
    ],
)
def test_a_line_is_an_id_a_comment_or_blank(line: bytes, job_id: str | None) -> None:
    """Spaces, comments, line ends and byte order marks of any system do no harm."""
    assert parse_line(line, "here:1") == job_id


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """All ids of a file, in its order, as often as they stand there."""
    path = tmp_path / "ids.txt"
    path.write_text("a\n\n# comment\nb\na")
    assert read_file(str(path)) == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb c\n", r"ids\.txt:2: 'b c' is no job id"),
        (b"a\n\n\xff\xfe\n", r"ids\.txt:3: .*xff.*is no job id"),
        (b"../etc", r"ids\.txt:1: '\.\./etc' is no job id"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """The message has the file, the line and the item."""
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_file(str(path))


@pytest.mark.parametrize("name", ["missing.txt", ".", "null\0byte"])
def test_a_file_that_cant_be_read_is_named(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and a name that can't be one are the caller's mistakes."""
    with pytest.raises(UsageError, match="can't read"):
        read_file(str(tmp_path / name))


async def test_ids_come_as_their_lines_arrive(pipe: tuple[int, int]) -> None:
    """An id is there once its line is whole, before the next one or the end is."""
    reading, writing = pipe
    ids = id_stream(reading, "standard input")
    os.write(writing, b"# first\njob-1\njob")
    assert await anext(ids) == "job-1"
    assert not ids.is_at_end
    os.write(writing, b"-2\n\n")
    assert await anext(ids) == "job-2"
    os.write(writing, b"job-3")
    os.close(writing)
    assert [job_id async for job_id in ids] == ["job-3"]
    assert ids.is_at_end


async def test_waiting_for_a_line_can_be_cancelled(pipe: tuple[int, int]) -> None:
    """A stream on which nothing arrives keeps nobody waiting."""
    ids = id_stream(pipe[0], "standard input")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ids.__anext__)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert not ids.is_at_end


async def test_a_bad_line_of_a_stream_is_named(pipe: tuple[int, int]) -> None:
    """The ids before it come; then the message has the line and the item."""
    reading, writing = pipe
    os.write(writing, b"job-1\n\nwhat is this\n")
    ids = id_stream(reading, "standard input")
    assert await anext(ids) == "job-1"
    with pytest.raises(UsageError, match="standard input:3: 'what is this' is no job id"):
        await anext(ids)


async def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    """What has no line ends is no list of ids, and is not gathered in memory."""
    path = tmp_path / "zeros"
    path.write_bytes(b"0" * 200_000)
    with path.open("rb") as file, pytest.raises(UsageError, match="a line of more than"):
        await anext(id_stream(file.fileno(), "standard input"))


async def test_a_stream_that_cant_be_read_is_named(tmp_path: Path) -> None:
    """A folder on standard input is the caller's mistake."""
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(UsageError, match="can't read standard input: Is a directory"):
        await anext(id_stream(folder, "standard input"))
    os.close(folder)
