"""Following a stream: events, the display, and the report."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any, Self

import pytest
import trio
import trio.lowlevel
import trio.testing

from legnext_stream import ConfigurationError, JobEvent, JobStatus
from legnext_stream._cli import following
from legnext_stream._cli.displays import Display
from legnext_stream._cli.following import Follower, ReportFile
from legnext_stream._cli.progress import Progress, View
from legnext_stream._report import ReportError, writing
from tests.legnext_stream.cli.support import KEY, an_event, ended, run_command, some_stats, started
from tests.servers import MockServer

_QUICKLY = ("--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50")


class _Shown(Display):
    """A display that records when it is called."""

    interval: float = 1.0

    def __init__(self) -> None:
        self.at: list[float] = []

    async def show(self, view: View) -> None:  # noqa: ARG002 - the protocol's
        await trio.lowlevel.checkpoint()
        self.at.append(trio.current_time())


class _Stream:
    """A stream with one event, after some time."""

    stats = some_stats()

    def __init__(self) -> None:
        self._event: JobEvent | None = an_event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> JobEvent:
        await trio.lowlevel.checkpoint()
        event, self._event = self._event, None
        if event is None:
            raise StopAsyncIteration
        try:
            await trio.sleep(2.5 - trio.current_time())
        except trio.Cancelled:
            self._event = event  # A cancelled call loses no event.
            raise
        return event


def test_the_display_goes_on_while_no_event_comes() -> None:
    """It is shown at its interval, and the event is written once, when it arrives."""
    written: list[float] = []
    display = _Shown()

    async def write(_event: JobEvent) -> None:
        await trio.lowlevel.checkpoint()
        written.append(trio.current_time())

    async def main() -> None:
        stream: Any = _Stream()
        progress = Progress("a watch", 0.0, lambda: 1)
        await Follower(progress, display, write=write).follow(stream)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert display.at == [0.0, 1.0, 2.0]
    assert written == [2.5]


def test_nothing_is_shown_of_a_batch_that_had_ended() -> None:
    """There are no jobs in this run, so a display would say nothing."""
    display = _Shown()

    async def main() -> None:
        stream: Any = _Stream()
        stream.stats = some_stats({}, polls=0)
        progress = Progress("a watch", 0.0, lambda: 0, ended_before=3, if_nothing="all ended")
        await Follower(progress, display).follow(stream)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert display.at == []


def _data(path: Path) -> Any:  # noqa: ANN401 - JSON
    text = path.read_text(encoding="utf-8")
    assert KEY not in text
    found = re.search(r'id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_report_of_a_watch(fast_mock: MockServer, tmp_path: Path) -> None:
    """The report has all jobs; standard output is as without it."""
    ids = [f"--id={job_id}" for job_id in fast_mock.truth()]
    path = tmp_path / "report.html"
    where = (f"--base-url={fast_mock.url}", f"--report={path}")
    result = run_command("watch", *ids, *_QUICKLY, *where)
    assert result.status == 1, result.err
    assert result.err.endswith(f"Report: {path}\n")
    data = _data(path)
    assert data["ending"] == "all jobs ended"
    assert sum(data["ends"].values()) == len(data["jobs"]) == len(ids)
    assert len(data["moments"]) > 1
    assert {event["job_id"] for event in result.events} == {job[0] for job in data["jobs"]}


def test_the_report_of_a_watch_that_is_stopped(slow_mock: MockServer, tmp_path: Path) -> None:
    """After Ctrl-C, the report has what was seen."""
    ids = [f"--id={job_id}" for job_id in slow_mock.truth()]
    path = tmp_path / "report.html"
    where = (f"--base-url={slow_mock.url}", f"--report={path}")
    with started("watch", *ids, *_QUICKLY, *where) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        result = ended(process)
    assert result.status == 130
    data = _data(path)
    assert data["ending"] == "stopped before its end"
    assert data["jobs"]
    assert not data["ends"]


def test_the_report_of_a_watch_that_fails(tmp_path: Path) -> None:
    """The report has the error."""
    path = tmp_path / "report.html"
    where = ("--base-url=http://127.0.0.1:9", "--timeout=0.1", f"--report={path}")
    result = run_command("watch", "--id=job-1", *where)
    assert result.status == 1
    assert "http://127.0.0.1:9" in _data(path)["ending"]


def test_the_report_of_the_demo(tmp_path: Path) -> None:
    """It says that time ran fast, and its times are the jobs'."""
    path = tmp_path / "report.html"
    result = run_command("demo", "--jobs=4", "--time-scale=200", f"--report={path}")
    assert result.status == 0, result.err
    data = _data(path)
    assert "200 times as fast" in data["notes"][0]
    assert data["took"] > 40


def test_an_impossible_report_is_refused_at_once(tmp_path: Path) -> None:
    """The error comes before any request, with status 2."""
    path = tmp_path / "none" / "report.html"
    result = run_command("watch", "--id=job-1", f"--report={path}")
    assert result.status == 2
    assert "there is no folder" in result.err


async def test_a_report_that_cannot_be_written_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """At a normal end that is an error; after another error it is one more message."""

    def fail(*_: object) -> None:
        raise ReportError("the disk is full")

    report = ReportFile(tmp_path / "report.html", "title")
    report.collector.note(an_event())
    report.collector.sample(trio.current_time(), some_stats({JobStatus.COMPLETED: 1}))
    monkeypatch.setattr(following, "write_report", fail)
    with pytest.raises(ReportError, match="the disk is full"):
        report.write(some_stats(), "all jobs ended")
    report.write_anyway(some_stats(), "stopped")
    assert capfd.readouterr().err == "legnext-stream: the disk is full\n"


async def test_a_missing_package_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the extra."""
    monkeypatch.setattr(writing, "_NEEDED", ("no_such_package",))
    with pytest.raises(ConfigurationError, match=r"pip install 'legnext-stream\[report\]'"):
        ReportFile(tmp_path / "report.html", "title")
