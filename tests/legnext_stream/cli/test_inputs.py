"""Reading ids, prompts and fields."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.inputs import LineStream, check_name, parse_id, read_fields, read_file


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
        ("job-1", "job-1"),
        ("  job-1\t", "job-1"),
        ("job-1 # the fox", "job-1"),
        ("", None),
        ("  ", None),
        ("# a comment, with an ÿ in it", None),
    ],
)
def test_a_line_is_an_id_a_comment_or_blank(line: str, job_id: str | None) -> None:
    """Spaces and comments are ignored."""
    assert parse_id(line, "here:1") == job_id


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """All ids of a file, in order, with repetitions."""
    path = tmp_path / "ids.txt"
    path.write_text("a\n\n# comment\nb\na")
    assert read_file(str(path), parse_id) == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb c\n", r"ids\.txt:2: 'b c' is not a job id"),
        (b"a\n\n\xff\xfe\n", r"ids\.txt:3: byte 1 of the line \(0xff\) is not UTF-8"),
        (b"a\n# f\xfcr\nb", r"ids\.txt:2: byte 4 of the line \(0xfc\) is not UTF-8"),
        (b'["a"]', r"ids\.txt:1: '\[\"a\"\]' is not a job id"),
        (b"../etc", r"ids\.txt:1: '\.\./etc' is not a job id"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """The message has the file, the line and the item."""
    path = tmp_path / "ids.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_file(str(path), parse_id)


@pytest.mark.parametrize("name", ["missing.txt", ".", "null\0byte"])
def test_an_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    """A missing file, a folder and an impossible name are usage errors."""
    with pytest.raises(UsageError, match="can't read"):
        read_file(str(tmp_path / name), parse_id)


async def test_ids_are_returned_as_their_lines_arrive(pipe: tuple[int, int]) -> None:
    """An id is returned once its line is complete, before the next one arrives."""
    reading, writing = pipe
    ids = LineStream(reading, parse_id)
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
    """A wait for input can be cancelled."""
    ids = LineStream(pipe[0], parse_id)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ids.__anext__)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert not ids.is_at_end


async def test_a_bad_line_of_a_stream_is_named(pipe: tuple[int, int]) -> None:
    """The ids before it are returned; the message has the line and the item."""
    reading, writing = pipe
    os.write(writing, b"job-1\n\nwhat is this\n")
    ids = LineStream(reading, parse_id)
    assert await anext(ids) == "job-1"
    with pytest.raises(UsageError, match="standard input:3: 'what is this' is not a job id"):
        await anext(ids)


async def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    """Input without line ends is refused, and not collected in memory."""
    path = tmp_path / "zeros"
    path.write_bytes(b"0" * 200_000)
    with path.open("rb") as file, pytest.raises(UsageError, match="a line of more than"):
        await anext(LineStream(file.fileno(), parse_id))


async def test_an_unreadable_stream_is_named(tmp_path: Path) -> None:
    """A folder as standard input is a usage error."""
    folder = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(UsageError, match="can't read standard input: Is a directory"):
        await anext(LineStream(folder, parse_id))
    os.close(folder)


def test_values_are_json_or_text_or_files(tmp_path: Path) -> None:
    """Values are numbers, lists, texts or file contents."""
    path = tmp_path / "mask.png"
    path.write_bytes(b"\x89PNG")
    assert read_fields(
        [
            "imageNo=0",
            'jobId="7"',
            "remixPrompt=a = b",
            'imgUrls=["a"]',
            f"mask=@{path}",
            "x=\udcff",
        ]
    ) == {
        "imageNo": 0,
        "jobId": "7",
        "remixPrompt": "a = b",
        "imgUrls": ["a"],
        "mask": b"\x89PNG",
        "x": "\udcff",
    }


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["imageNo"], "'imageNo' is not of the form NAME=VALUE"),
        (["=0"], "not of the form"),
        (["a=1", "a=2"], "a is given twice"),
        (["mask=@none.png"], "can't read none.png: No such file"),
    ],
)
def test_bad_fields_are_named(texts: list[str], message: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(UsageError, match=message):
        read_fields(texts)


def test_a_template_of_file_names_is_checked() -> None:
    """The message names the option."""
    assert check_name("{position}-{number}{suffix}").names_position
    with pytest.raises(UsageError, match=r"--name: '\{size\}' has a field that isn't one of"):
        check_name("{size}")
