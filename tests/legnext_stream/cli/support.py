"""Shared by the tests of the command line: commands, processes, a host, and sample views."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tempfile import TemporaryFile
from threading import Thread
from typing import IO, Any
from unittest import mock

import attrs

from legnext_stream import Job, JobEvent, JobStatus, Stats
from legnext_stream._cli.app import run
from legnext_stream._cli.progress import View
from legnext_stream._report import Failure
from tests.processes import rest_of

KEY = "the-key-that-no-output-shows"
JOB_ID = "789320d3-4b20-46d3-a804-6165a079176a"
# Warnings are errors, so that a resource left open fails the test.
COMMAND = (sys.executable, "-W", "error", "-m", "legnext_stream")


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command: with a key, without other settings of ours, output as usual."""
    left_out = ("LEGNEXT", "PYTHONUNBUFFERED")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not any(word in name for word in left_out)
    }
    return kept | {"LEGNEXT_API_KEY": KEY, "NO_PROXY": "*"} | changes


@attrs.frozen
class Ran:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


def run_command(*arguments: str, given: str = "", env: Mapping[str, str] | None = None) -> Ran:
    """Run the command in this process, and check that it shows neither a traceback nor the key.

    This takes a tenth of the time of a process. `started` is for tests of what only a process has:
    signals, pipes that are closed, an exit.
    """
    with (
        _standard_streams(given) as (out, err),
        mock.patch.dict(os.environ, environment() if env is None else env, clear=True),
    ):
        status = run(arguments)
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
        return ran(status, out.read(), err.read())


@contextmanager
def _standard_streams(given: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """Replace the standard streams by files, the descriptors as well as those of `sys`."""
    with ExitStack() as stack:
        files = [stack.enter_context(TemporaryFile("w+", encoding="utf-8")) for _ in range(3)]
        files[0].write(given)
        files[0].seek(0)
        for name, (fd, file) in zip(("stdin", "stdout", "stderr"), enumerate(files), strict=True):
            stack.enter_context(mock.patch.object(sys, name, file))
            kept = os.dup(fd)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, fd)
            os.dup2(file.fileno(), fd)
        yield files[1], files[2]


@contextmanager
def started(
    *arguments: str,
    **options: Any,  # noqa: ANN401 - Popen's
) -> Iterator[subprocess.Popen[str]]:
    """Start the command, in pipes by default; it is killed at the end if it still runs."""
    pipe = subprocess.PIPE
    settings: dict[str, Any] = {"stdin": pipe, "stdout": pipe, "stderr": pipe, "env": environment()}
    process: subprocess.Popen[str] = subprocess.Popen(
        [*COMMAND, *arguments], text=True, **(settings | options)
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for a command to end. Output that was read before isn't included."""
    out, err = rest_of(process)
    return ran(process.returncode, out, err)


def ran(status: int, out: str, err: str) -> Ran:
    """A command that has ended, after checks for what no output may contain."""
    assert "Traceback" not in err, err
    assert "Warning" not in err, err
    assert KEY not in out + err
    return Ran(status, out, err)


def host_answering(status: int, body: Mapping[str, object]) -> AbstractContextManager[str]:
    """A host that gives the same answer to each request."""
    return host_of(lambda _: (status, json.dumps(body)))


@contextmanager
def host_of(answer: Callable[[str], tuple[int, str]]) -> Iterator[str]:
    """A host whose answers, a status and a body, depend on the path."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            content = body.encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def an_event(
    status: JobStatus = JobStatus.COMPLETED,
    **changes: Any,  # noqa: ANN401 - the job's
) -> JobEvent:
    """An event; `changes` are of its job."""
    fields: dict[str, Any] = {"job_id": JOB_ID, "status": status, "raw_status": status.value}
    job = Job(**(fields | changes))
    return JobEvent(
        job_id=job.job_id,
        status=status,
        previous=JobStatus.PROCESSING,
        job=job,
        observed_at=12.5,
        changed_between=(11.0, 12.5),
        sequence=3,
    )


def some_stats(
    jobs: Mapping[JobStatus, int] | None = None,
    **changes: Any,  # noqa: ANN401 - the numbers'
) -> Stats:
    """Sample numbers of a watch."""
    numbers: dict[str, Any] = {
        "polls": 1234,
        "retries": 5,
        "rate_limited": 3,
        "troubles": 2,
        "events": 600,
        "rate": 12.0,
        "in_flight": 4,
        "jobs": {} if jobs is None else jobs,
        "unseen": 0,
        "last_error": None,
        "ceiling": None,
        "why": "free",
        "price": 0.1,
        "remaining": None,
        "remaining_between": None,
        "run_times": {},
    }
    return Stats(**(numbers | changes))


def a_view(
    jobs: Mapping[JobStatus, int] | None = None,
    *,
    expected: int | None = 200,
    elapsed: float = 61.0,
    failures: Sequence[Failure] = (),
    **stats: Any,  # noqa: ANN401 - the numbers'
) -> View:
    """A watch at one moment."""
    return View(
        title="legnext-stream · https://api.example",
        elapsed=elapsed,
        stats=some_stats(jobs, **stats),
        request_rate=9.84,
        expected=expected,
        failures=tuple(failures),
    )


def a_failure(number: int = 0, reason: str = "Banned prompt (code 400)") -> Failure:
    """A job that failed."""
    return Failure(job_id=f"job-{number}", status=JobStatus.FAILED, reason=reason, at=30.0)
