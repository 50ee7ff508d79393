"""Reading and writing inherited descriptors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from legnext_stream._cli.descriptors import read_some, write_all
from legnext_stream._cli.exits import OutputError

_MUCH = b"x" * 300_000


async def test_a_large_write_to_a_pipe() -> None:
    """Data that doesn't fit into the pipe is written as the reader reads."""
    reading, writing = os.pipe()
    received = bytearray()

    async def read() -> None:
        while len(received) < len(_MUCH):
            received.extend(await read_some(reading))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await write_all(writing, _MUCH)
    assert received == _MUCH
    os.close(reading)
    os.close(writing)


async def test_a_reader_that_stops_reading_blocks_no_other_task() -> None:
    """While a pipe is full other tasks run, and the write can be cancelled."""
    reading, writing = os.pipe()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(write_all, writing, _MUCH)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert os.get_blocking(writing)
    os.close(reading)
    os.close(writing)


async def test_a_file_is_read_and_written(tmp_path: Path) -> None:
    """Files, which can't be waited for, are read and written too."""
    path = tmp_path / "file"
    with path.open("wb") as file:
        await write_all(file.fileno(), _MUCH)
    with path.open("rb") as file:
        assert _MUCH.startswith(await read_some(file.fileno()))


async def test_a_closed_pipe_differs_from_a_full_disk() -> None:
    """Only the full disk needs a message."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(OutputError) as raised:
        await write_all(writing, b"line\n")
    assert raised.value.is_closed
    os.close(writing)
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OutputError, match="No space left on device") as raised:
        await write_all(full, b"line\n")
    assert not raised.value.is_closed
    os.close(full)
