"""The key is shown nowhere: in no repr, text, event, error, log record, traceback or file."""

from __future__ import annotations

import base64
import logging
import sqlite3
import subprocess
import sys
import traceback
import urllib.parse
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from legnext_stream import (
    ConfigurationError,
    LegnextClient,
    LegnextError,
    Pacing,
    watch,
)
from legnext_stream._cli.events_json import event_line
from mockserver import ErrorEnvelope, MockLegnext, Redirect, Status, Truncated
from mockserver._faults import Fault
from mockserver._faults.connection import Reset
from mockserver._replay import Recorder
from tests.legnext_stream.cli.support import environment
from tests.legnext_stream.support import (
    KEY,
    URL,
    HandMade,
    Network,
    RawServer,
    http_bytes,
    in_turn,
    mock_network,
)
from tests.patience import PATIENCE
from tests.servers import mock_server


def assert_hidden(things: Iterable[object]) -> None:
    """Neither text nor repr of any of these shows the key, nor of what they hold."""
    for thing in things:
        assert KEY not in str(thing)
        assert KEY not in repr(thing)
        for value in getattr(thing, "__dict__", {}).values():
            assert KEY not in repr(value)


async def test_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a client, a stream, or what they are made of, before, while and after they are open."""
    monkeypatch.setenv("LEGNEXT_API_KEY", KEY)
    mock = MockLegnext()
    client = LegnextClient(base_url=URL, transport=mock.transport())
    assert repr(client) == "<LegnextClient http://legnext.test closed>"
    async with client:
        assert repr(client) == "<LegnextClient http://legnext.test open>"
        stream = client.watch(mock.add_jobs(1))
        events = [event async for event in stream]
        account = client._account
        things = [client, stream, account, account.lanes, stream._engine, stream.stats, Pacing()]
        assert_hidden([*things, *events, *(event.job for event in events)])
        assert_hidden([*account.lanes._free, account.lanes._writer])
        assert_hidden(event.job.raw for event in events)
    assert_hidden([client, watch(["a"])])


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 422, 500, 302])
async def test_in_no_error_and_no_log(code: int, caplog: pytest.LogCaptureFixture) -> None:
    """Not even with every logger at its most talkative, nor in a traceback."""
    caplog.set_level(logging.DEBUG)
    body = b'{"code":%d,"message":"no"}' % code
    network = Network(RawServer(http_bytes(code, body)).serve)
    async with LegnextClient(KEY, URL, network.transport(), retry_for=1) as client:
        for call in (client.get_job("a"), client.diffusion("x"), client.balance()):
            with pytest.raises(LegnextError) as caught:
                await call
            shown = "".join(traceback.format_exception(caught.value))
            assert KEY not in shown
            assert_hidden([caught.value, caught.value.content])
    assert caplog.records
    for record in caplog.records:
        assert KEY not in record.getMessage()
        assert KEY not in str(record.__dict__)


async def test_in_no_log_of_httpx(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over httpx's own pools, which log what they send."""
    caplog.set_level(logging.DEBUG)
    Network(RawServer(http_bytes(500, b"{}"), None, http_bytes(404, b"{}")).serve).install(
        monkeypatch
    )
    async with LegnextClient(KEY, URL) as client:
        with pytest.raises(LegnextError):
            await client.get_job("a")
    assert any(record.name.startswith("httpcore") for record in caplog.records)
    assert KEY not in caplog.text


@pytest.mark.parametrize("bad", [f"{KEY}\n{KEY}", f"{KEY}é", f"{KEY}\x00", f"{KEY}\u2028x"])
def test_a_key_that_no_header_can_carry(bad: str) -> None:
    """It is refused at once, without being shown."""
    with pytest.raises(ConfigurationError) as caught:
        LegnextClient(bad, URL)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert "header" in str(caught.value)


async def test_a_network_error_that_repeats_the_request() -> None:
    """What httpx knows of the request does not get into our error."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("broken", request=request)

    async with LegnextClient(KEY, URL, HandMade(handle), retry_for=0.1) as client:
        with pytest.raises(LegnextError) as caught:
            await client.get_job("a")
    assert_hidden([caught.value, caught.value.__cause__, caught.value.__context__])


async def test_what_an_answer_says_is_not_ours_to_hide() -> None:
    """But the key of the request is not among what is kept of it."""
    transport = in_turn(httpx.Response(403, json={"error": {"code": 403, "message": "moderated"}}))
    async with LegnextClient(KEY, URL, transport) as client:
        with pytest.raises(LegnextError, match="moderated") as caught:
            await client.diffusion("x")
    assert transport.requests[0].headers["x-api-key"] == KEY
    assert_hidden([caught.value])


# ---------------------------------------------------------------- all that a run writes

# As it is, and as it would stand in a URL, in base64, in hex, or turned around.
FORMS = [
    KEY.encode(),
    urllib.parse.quote(KEY).encode(),
    base64.b64encode(KEY.encode()).rstrip(b"="),
    KEY.encode().hex().encode(),
    KEY[::-1].encode(),
]


def files_with_the_key(folder: Path) -> list[Path]:
    """The files below a folder that show the key in any form."""
    forms = [form.lower() for form in FORMS]
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(form in path.read_bytes().lower() for form in forms)
    ]


def written(folder: Path) -> set[str]:
    """The names of the files in a folder that have something in them."""
    return {path.name for path in folder.iterdir() if path.stat().st_size}


@contextmanager
def everything_logged(path: Path) -> Iterator[None]:
    """Every logger there is writes all it has to say into a file."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)r"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


@pytest.mark.parametrize("form", FORMS)
def test_the_search_finds_what_it_looks_for(form: bytes, tmp_path: Path) -> None:
    """In the midst of a file, in a folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"\x00key=" + form.upper() + b"\x00")
    assert files_with_the_key(tmp_path) == [tmp_path / "folder" / "file"]


async def test_in_nothing_that_a_run_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A batch with trouble of every kind and everything on: log, journal, transcript, output."""
    mock = MockLegnext(seed=3, failure_share=0.2, api_keys=[KEY])
    faults: list[Fault] = [Status(503), Redirect(), Truncated(), ErrorEnvelope(), Reset(20)]
    for number, fault in enumerate(faults):
        mock.faults.add(fault, every=11 + number)
    network = mock_network(mock)
    network.install(monkeypatch)
    shown: list[object] = []
    with everything_logged(tmp_path / "debug.log"):
        async with LegnextClient(KEY, URL, Recorder(tmp_path / "run.jsonl")) as client:
            jobs = [await client.diffusion("a lighthouse") for _ in range(3)]
            ids = [*(job.job_id for job in jobs), *mock.add_jobs(20)]
            with (tmp_path / "events.jsonl").open("wb") as lines:
                async with client.watch(ids, journal=tmp_path / "batch.db") as events:
                    async for event in events:
                        lines.write(event_line(event, 1.9e9))
                        shown += [event, event.job.raw, events.explain(event.job_id)]
                        if len(shown) == 30:
                            # While the journal's file is open, there are two more beside it.
                            assert (tmp_path / "batch.db-wal").stat().st_size
                            assert files_with_the_key(tmp_path) == []
                    shown += [events.stats, client.stats, events, client, *jobs]
    (tmp_path / "requests.jsonl").write_bytes(mock.requests.dump())
    (tmp_path / "shown.txt").write_text("\n".join(f"{thing!r}\n{thing}" for thing in shown))
    out, err = capfd.readouterr()
    (tmp_path / "output.txt").write_text(out + err)
    assert files_with_the_key(tmp_path) == []
    # All of that was really on, and really written.
    assert {"batch.db", "run.jsonl", "events.jsonl", "requests.jsonl", "shown.txt"} <= written(
        tmp_path
    )
    log = (tmp_path / "debug.log").read_text()
    assert "httpcore" in log
    assert "x-api-key" in log.lower() or "send_request_headers" in log
    assert events.stats.troubles > 3
    with closing(sqlite3.connect(tmp_path / "batch.db")) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] > 20


async def test_in_no_traceback_of_a_failing_watch(tmp_path: Path) -> None:
    """With the values of all variables in our own frames, as some reporters of errors show them."""
    failures: list[LegnextError] = []
    refused = MockLegnext(api_keys=["another-key"])
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all" * 100)
    for mock, journal in ((refused, None), (MockLegnext(), broken)):
        async with LegnextClient(KEY, URL, mock.transport()) as client:
            with pytest.raises(LegnextError) as caught:
                [event async for event in client.watch(["a"], journal=journal)]
        failures.append(caught.value)
    for error in failures:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in told.stack if "legnext_stream/" in frame.filename]
        ours = [frame for frame in frames if "/tests/" not in frame.filename]
        assert ours
        for frame in ours:
            assert KEY not in str(frame.locals)
        assert KEY not in "".join(traceback.format_exception(error))


def test_in_nothing_that_the_command_writes(tmp_path: Path) -> None:
    """Of runs that end well, badly, and not at all: no output, no journal, no file beside it."""
    quickly = ["--min-interval=0.05", "--max-interval=0.2", "--initial-rate=50"]
    trouble = ["--fault", "status:503@job,every=5", "--fault", "redirect@job,every=7"]
    journal = ["--journal", str(tmp_path / "batch.db")]
    with mock_server("--jobs=6", "--time-scale=100", *trouble) as mock:
        ids = [f"--id={job_id}" for job_id in mock.truth()]
        commands = [
            ["watch", *ids, *journal, *quickly, f"--base-url={mock.url}"],
            ["status", str(tmp_path / "batch.db")],
            ["watch", *ids, *journal, f"--base-url={mock.url}/elsewhere"],
            ["watch", "--id=a", "--timeout=1", "--base-url=http://127.0.0.1:9"],
            ["watch", "--id=a", "--no-such-option"],
        ]
        # With all that Python itself can be made to tell.
        python = [sys.executable, "-X", "dev", "-m", "legnext_stream"]
        told = [
            subprocess.run(
                [*python, *command],
                env=environment(LEGNEXT_API_KEY=KEY, TRIO_DEBUG="1", HTTPX_LOG_LEVEL="trace"),
                cwd=tmp_path,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
            for command in commands
        ]
    for number, run in enumerate(told):
        (tmp_path / f"{number}.txt").write_bytes(run.stdout + run.stderr)
    assert files_with_the_key(tmp_path) == []
    assert told[0].returncode == 0, told[0].stderr
    assert [run.returncode != 0 for run in told[2:]] == [True] * 3
    assert all(run.stdout or run.stderr for run in told)
