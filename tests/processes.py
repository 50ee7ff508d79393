"""What tests of other processes share."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from threading import Timer
from typing import IO

from tests.patience import PATIENCE


def rest_of(process: subprocess.Popen[str], given: str = "") -> tuple[str, str]:
    """Wait for a process to end, and return what it still writes to standard output and error.

    For a process of which lines were read before. `Popen.communicate` reads from the descriptors, and so
    misses the lines that `readline` has already taken from them into the buffer of the stream.

    Args:
        process: The process. It is killed if it doesn't end.
        given: What it is still given on standard input.
    """

    def read(stream: IO[str] | None) -> str:
        return "" if stream is None or stream.closed else stream.read()

    killer = Timer(PATIENCE, process.kill)
    killer.start()
    try:
        with ThreadPoolExecutor(2) as threads:
            reading = [threads.submit(read, each) for each in (process.stdout, process.stderr)]
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.write(given)
                process.stdin.close()
        process.wait()
    finally:
        killer.cancel()
    out, err = (each.result() for each in reading)
    return out, err
