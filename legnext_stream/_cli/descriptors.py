"""Reading and writing inherited file descriptors, so that Ctrl-C always works at once.

A blocking call can't be cancelled, and while it blocks no other task runs. Making the descriptor
non-blocking would change it for all processes that share it, the user's shell among them. So for a
pipe or terminal we wait until it is ready, then read or write as much as surely doesn't block. What
can't be waited for (files; on Windows, anything but sockets) goes to a thread that a cancellation
abandons. We use `os.read` and `os.write`: an abandoned thread in `sys.stdin` or `sys.stdout` would
hold a lock that the interpreter needs at exit.
"""

from __future__ import annotations

import os
import select

import trio

from legnext_stream._cli.exits import OutputError

_READ_SIZE = 65536
# As much as a pipe that is ready for writing takes without blocking.
_WRITE_SIZE: int = getattr(select, "PIPE_BUF", 512)


async def read_some(fd: int) -> bytes:
    """The next bytes of a descriptor, as soon as there are any; empty at its end.

    Raises:
        OSError: It can't be read.
    """
    try:
        await trio.lowlevel.wait_readable(fd)
    except OSError:
        return await trio.to_thread.run_sync(os.read, fd, _READ_SIZE, abandon_on_cancel=True)
    return os.read(fd, _READ_SIZE)


async def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` to a descriptor.

    Raises:
        OutputError: It can't be written, or its reader has gone away.
    """
    try:
        while data:
            data = data[await _write_some(fd, data) :]
    except OSError as error:
        raise OutputError(error) from error


async def _write_some(fd: int, data: bytes) -> int:
    try:
        await trio.lowlevel.wait_writable(fd)
    except OSError:
        return await trio.to_thread.run_sync(os.write, fd, data, abandon_on_cancel=True)
    return os.write(fd, data[:_WRITE_SIZE])
