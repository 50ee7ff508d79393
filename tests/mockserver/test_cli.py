"""The command `legnext-mock`, as a process."""

from __future__ import annotations

import importlib
import signal
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx
import pytest

from mockserver import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "mockserver"]
KEY = {"x-api-key": "key"}


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the URL that is its first line."""
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
    """The command, until it ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)], ids=["ctrl-c", "term"]
)
def test_signals_end_it_cleanly(number: signal.Signals, status: int) -> None:
    """It says where it listens, and ends on a signal with the right status and not a word more."""
    with running() as (process, url):
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/api/account/balance", headers=KEY).status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (status, "", "")


def test_the_options_reach_the_world() -> None:
    """Jobs at the start, their speed, failures, limits and delays are as the options say."""
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
    """Where another listens, it says so in a line and ends with 1."""
    with running() as (_, url):
        ended = run("--port", url.rpartition(":")[2])
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith("legnext-mock: can't listen on 127.0.0.1 port ")
        assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
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
    """What can't be is refused with status 2 and a word about it, without a traceback."""
    monkeypatch.setattr(sys, "argv", ["legnext-mock", *wrong])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = "".join(capsys.readouterr())
    assert ended.value.code == 2
    assert wrong[0] in said or "Port" in said.title()
    assert "Traceback" not in said


def test_help_teaches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The help has every option, its default, and examples."""
    monkeypatch.setattr(sys, "argv", ["legnext-mock", "--help"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().out
    assert not ended.value.code
    assert all(len(line) <= 80 for line in said.splitlines())
    for option in ("host", "port", "seed", "slots", "time-scale", "failure-share", "rate", "jobs"):
        assert f"--{option}" in said
    assert "legnext-mock --port 0 --seed 7 --time-scale 20" in said
    assert "/__admin/truth" in said


def test_its_version_is_that_of_the_distribution() -> None:
    """It says which version it is; so does the module, run as a program."""
    ended = run("--version")
    assert (ended.returncode, ended.stdout.strip()) == (0, version("legnext-stream"))


def test_importing_it_does_nothing() -> None:
    """The module of `python -m mockserver` can be imported without being run."""
    assert importlib.import_module("mockserver.__main__").main is cli.main
