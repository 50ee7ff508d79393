"""The command `legnext-mock`, as a process."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver import MockLegnext, Script, TokenBucket, _cli, run_virtual
from mockserver._cli.app import app
from mockserver._cli.app import run as run_here
from mockserver._replay import Recorder
from tests.mockserver.helpers import client_of
from tests.patience import PATIENCE
from tests.processes import rest_of

COMMAND = [sys.executable, "-m", "mockserver"]
KEY = {"x-api-key": "key"}


@pytest.fixture(autouse=True)
def _kept_handler() -> Iterator[None]:
    """Ctrl-C ends the tests as it did before."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command, and yield the URL of its first line."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command until it ends."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["ctrl-c", "term"]
)
def test_signals_end_it_cleanly(number: signal.Signals, status: int) -> None:
    """It prints its URL, and ends on a signal with the right status and no other output."""
    with running() as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/api/account/balance", headers=KEY).status_code == 200
        process.send_signal(number)
        out, err = rest_of(process)
        assert (process.returncode, out, err) == (status, "", "")


def test_the_options_reach_the_world() -> None:
    """Jobs, their run times, failures, limits and delays are as the options say."""
    with (
        running(
            *("--jobs", "5", "--slots", "2", "--seed", "7", "--failure-share", "1"),
            *("--time-scale", "100000", "--rate", "0.000001", "--burst", "2", "--latency", "1"),
        ) as (_, url),
        httpx.Client(base_url=url, headers=KEY) as client,
    ):
        truth = client.get("/__admin/truth").json()
        assert len(truth) == 5
        while any(changes[-1][1] != "failed" for changes in truth.values()):
            truth = client.get("/__admin/truth").json()
        job = client.get(f"/api/v1/job/{next(iter(truth))}").json()
        assert job["error"]["code"] != 0
        statuses = [client.get("/api/account/balance").status_code for _ in range(2)]
        assert statuses == [200, 429]
        assert all(r["answered_at"] >= r["at"] + 1 for r in client.get("/__admin/requests").json())


def test_a_port_in_use_is_said_so() -> None:
    """If the port is in use, it prints one line and ends with 1."""
    with running() as (_, url):
        ended = run("--port", url.rpartition(":")[2])
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("legnext-mock: can't listen on 127.0.0.1 port ")
        assert ended.stderr.count("\n") == 1


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[..., MockLegnext]:
    """Make the mock that the command would serve with some arguments."""
    served: list[Any] = []

    def serve(serve: Any, *_address: object) -> int:  # noqa: ANN401 - of a mock, or a recorder
        served.append(getattr(serve, "__self__", None))
        return 0

    def run(*arguments: str) -> MockLegnext:
        assert app(arguments) == 0
        mock: MockLegnext = served[-1]
        return mock

    monkeypatch.setattr(importlib.import_module("mockserver._cli.app"), "serve_until_signal", serve)
    return run


def test_a_scenario_with_options_over_it(told: Callable[..., MockLegnext], tmp_path: Path) -> None:
    """Options override the file; the calendar begins today unless the file says otherwise."""
    file = tmp_path / "storm.toml"
    file.write_text("seed = 5\nslots = 3\n[[jobs]]\ncount = 2")
    mock = told("--scenario", str(file), "--seed", "8", "--jobs", "1", "--fault", "stale@job")
    assert (mock.world.seed, mock.world.slots, len(mock.truth)) == (8, 3, 3)
    assert [rule.when.route for rule in mock.faults.rules] == ["job"]
    assert mock.state().calendar > "2026-01-02"
    file.write_text("epoch = 2020-01-01T00:00:00Z")
    assert told("--scenario", str(file)).state().calendar.startswith("2020-01-01")


def test_every_option_is_understood(told: Callable[..., MockLegnext]) -> None:
    """Each option of the help is accepted, and has an effect."""
    mock = told(
        *("--slots", "reject@6", "--order", "priority", "--priority", "edit=2"),
        *("--run-times", "relax", "--failure", "timeout=0.5", "--account", "limited=true"),
        *("--limit", "concurrency:9@job", "--retry-after", "date"),
        *("--rate-limit-fields", "draft", "--rate-limit-fields", "x"),
        *("--latency", "uniform:0,1", "--fault", "delay:1", "--moderate", "war"),
        *("--quirk", "logs=strings", "--webhook", "keep=5", "--admin-host", "box"),
    )
    assert (mock.world.slots, mock.world.when_full) == (6, "reject")
    assert mock.world.account.limited
    assert mock.limits[0].route == "job"
    assert len(mock.faults) == 1


@pytest.mark.parametrize(
    ("arguments", "is_there"),
    [
        ([], True),
        (["--host", "localhost"], True),
        (["--host", "::1"], True),
        (["--host", "192.0.2.1"], False),
        (["--host", "somewhere"], False),
        (["--host", "192.0.2.1", "--admin"], True),
        (["--no-admin"], False),
    ],
)
def test_only_this_machine_can_change_the_world(
    told: Callable[..., MockLegnext], arguments: list[str], *, is_there: bool
) -> None:
    """If other machines can reach the server, the admin routes need `--admin`."""
    mock = told(*arguments)

    async def state() -> int:
        async with client_of(mock) as client:
            return (await client.get("/__admin/state")).status_code

    assert run_virtual(state) == (200 if is_there else 404)


def test_a_transcript_is_replayed(told: Callable[..., MockLegnext], tmp_path: Path) -> None:
    """A replay has the recorded jobs, and the settings of the other options."""
    file = tmp_path / "night.jsonl"

    async def record() -> str:
        recorder = Recorder(file, upstream.transport(), clock=lambda: upstream.now)
        async with client_of(upstream, transport=recorder) as client:
            return str((await client.get(f"/api/v1/job/{job_id}")).json()["status"])

    upstream = MockLegnext()
    job_id = upstream.add_job(Script(["completed"]))
    assert run_virtual(record) == "completed"
    mock = told("--replay", str(file), "--jobs", "2", "--rate", "5")
    assert job_id in mock.truth
    assert len(mock.truth) == 3
    assert mock.limits[0].limit == TokenBucket(5.0)
    assert mock.world.slots is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "can't read"),
        ('{"transcript": 99}\n', "not a transcript"),
        ("{}\n", "not a transcript"),
    ],
)
def test_what_can_t_be_replayed(
    tmp_path: Path, text: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is missing or isn't a transcript gets a message of one line."""
    file = tmp_path / "replayed"
    if text is not None:
        file.write_text(text)
    assert app(["--replay", str(file)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("legnext-mock: ")
    assert said in err
    assert err.count("\n") == 1


def test_it_records(
    told: Callable[..., MockLegnext], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`record` serves a recorder; it refuses a URL that it can't use."""
    told("record", str(tmp_path / "night.jsonl"), "--port", "0")
    assert app(["record", str(tmp_path / "night.jsonl"), "--upstream", "ftp://a"]) == 2
    assert "--upstream must be a URL" in capsys.readouterr().err


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    """If the file exists, it prints a message and ends with 1."""
    file = tmp_path / "night.jsonl"
    file.write_text("dear")
    ended = run("record", str(file), "--port", "0")
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"legnext-mock: can't write {file}: File exists")
    assert file.read_text() == "dear"


def test_it_explains(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain` prints the explanation."""
    assert app(["explain", "limits"]) == 0
    assert "token-bucket: rate, [burst]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [
        ["explain", "everything"],
        ["--fault", "--fault"],
        ["--retry-after", "soon"],
        ["--port", "70000"],
        ["--port", "x"],
        ["--slots", "0"],
        ["--time-scale", "0"],
        ["--failure-share", "2"],
        ["--rate", "0"],
        ["--nonsense"],
        ["extra"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with status 2 and a message, without a traceback."""
    monkeypatch.setattr(sys, "argv", ["legnext-mock", *wrong])
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    said = "".join(capsys.readouterr())
    assert ended.value.code == 2
    assert any(word in said for word in wrong)
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["extra"], "unexpected argument 'extra'"),
        (["--port", "x"], "--port must be a whole number, not 'x'"),
        (["--time-scale", "fast"], "--time-scale must be a number, not 'fast'"),
        (["--nonsense"], "Unknown option: --nonsense"),
    ],
)
def test_wrong_usage_in_words(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says what a person would say."""
    assert run_here(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"legnext-mock: {message}")
    assert said.endswith(" (see legnext-mock --help)\n")
    assert said.count("\n") == 1


def test_help_teaches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The help has all options, their defaults, and examples."""
    monkeypatch.setattr(sys, "argv", ["legnext-mock", "--help"])
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    said = capsys.readouterr().out
    assert not ended.value.code
    assert all(len(line) <= 80 for line in said.splitlines())
    for option in ("host", "port", "seed", "slots", "time-scale", "failure-share", "rate", "jobs"):
        assert f"--{option}" in said
    assert "legnext-mock --port 0 --seed 7 --time-scale 20" in said
    assert "/__admin/truth" in said


def test_its_version_is_that_of_the_distribution() -> None:
    """`--version` prints the version, also as `python -m mockserver`."""
    ended = run("--version")
    assert (ended.returncode, ended.stdout.strip()) == (0, version("legnext-stream"))


def test_without_a_package_of_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what to install."""
    monkeypatch.delitem(sys.modules, "mockserver._cli.app")
    monkeypatch.setitem(sys.modules, "starlette", None)
    for name in [name for name in sys.modules if name.startswith(("mockserver._", "starlette."))]:
        if name != "mockserver._cli":
            monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("legnext-mock: it needs the package starlette")
    assert said.endswith(": pip install 'legnext-stream[mock]'\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (KeyboardInterrupt(), 130),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130),
    ],
)
def test_ctrl_c_at_any_time(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int
) -> None:
    """While it loads, or before and after it handles signals, it ends without a traceback."""

    def run(_: object) -> int:
        raise raised

    monkeypatch.setattr(importlib.import_module("mockserver._cli.app"), "run", run)
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    assert ended.value.code == status


@pytest.mark.parametrize(
    ("output", "status", "expected"), [("stdout", 0, 141), ("stdout", 2, 2), ("stderr", 0, 0)]
)
def test_what_is_left_to_write(
    monkeypatch: pytest.MonkeyPatch, output: str, status: int, expected: int
) -> None:
    """If its reader has gone away the status is 141, unless it is of errors or something was wrong."""
    reading, writing = os.pipe()
    os.close(reading)
    monkeypatch.setattr(importlib.import_module("mockserver._cli.app"), "run", lambda _: status)
    with os.fdopen(writing, "w", encoding="utf-8") as file:
        monkeypatch.setattr(sys, output, file)
        file.write("the end")
        with pytest.raises(SystemExit) as ended:
            _cli.main()
    assert ended.value.code == expected


def test_a_closed_output_and_ctrl_c_that_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to write, and Ctrl-C stays ignored."""
    monkeypatch.setattr(importlib.import_module("mockserver._cli.app"), "run", lambda _: 0)
    monkeypatch.setattr(sys, "stdout", None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with pytest.raises(SystemExit) as ended:
        _cli.main()
    assert ended.value.code == 0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group with any other exception is raised."""

    def run(_: object) -> int:
        raise BaseExceptionGroup("", [KeyboardInterrupt(), ValueError()])

    monkeypatch.setattr(importlib.import_module("mockserver._cli.app"), "run", run)
    with pytest.RaisesGroup(KeyboardInterrupt, ValueError):
        _cli.main()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["explain", "faults"], []])
def test_a_reader_that_has_gone_away(arguments: list[str]) -> None:
    """The status is 141, without a message."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [*COMMAND, *(arguments or ["--port", "0"])],
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=PATIENCE,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("arguments", [["--version"], ["explain", "limits"]])
def test_an_output_that_is_full(arguments: list[str]) -> None:
    """The message says so, and the status is 1."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr


def test_importing_it_does_nothing() -> None:
    """Importing the module of `python -m mockserver` does not run it."""
    assert importlib.import_module("mockserver.__main__").main is _cli.main
