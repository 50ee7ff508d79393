"""From the vendor's own SDK to `legnext-stream watch`: three programs that share only HTTP and a file.

The SDK submits jobs to `legnext-mock`. The events of the watch are compared with the truth of the server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from legnext import Client

from tests.patience import PATIENCE
from tests.servers import mock_server

KEY = "end-to-end"
TERMINAL = {"completed", "failed"}

# A hundred jobs at once, at thirty times the speed: slow enough for the watch to see jobs of every status,
# and fast enough for a test.
WORLD = ("--slots", "100", "--time-scale", "30", "--seed", "7")
# Poll as often as the accelerated time requires.
PACE = (
    *("--max-rate", "300", "--initial-rate", "300"),
    *("--min-interval", "0.25", "--max-interval", "2"),
)


def submit(url: str, count: int) -> list[str]:
    """Submit jobs with the vendor's client, several at once, and return their ids."""

    def submit_one(number: int) -> str:
        return str(client.midjourney.diffusion(text=f"a lighthouse, number {number}").job_id)

    with Client(api_key=KEY, base_url=f"{url}/api") as client, ThreadPoolExecutor(8) as threads:
        return list(threads.map(submit_one, range(count)))


def watch(url: str, ids_file: Path) -> subprocess.CompletedProcess[str]:
    """Follow the jobs listed in a file with the command, in a pipe, until they have ended."""
    return subprocess.run(
        [sys.executable, "-m", "legnext_stream", "watch", str(ids_file), *PACE],
        env=os.environ | {"LEGNEXT_API_KEY": KEY, "LEGNEXT_BASE_URL": url},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def is_subsequence(part: Iterable[str], whole: Iterable[str]) -> bool:
    """Whether `part` is `whole` with some of its items left out."""
    remaining = iter(whole)
    return all(item in remaining for item in part)


@pytest.mark.parametrize(
    ("jobs", "failure_share", "exit_status"),
    [
        pytest.param(40, "0", 0, id="all-complete"),
        pytest.param(40, "0.5", 1, id="some-fail"),
        pytest.param(500, "0", 0, id="many", marks=pytest.mark.campaign),
    ],
)
def test_what_the_sdk_submits_the_watch_follows_to_its_end(
    tmp_path: Path, jobs: int, failure_share: str, exit_status: int
) -> None:
    """The events of each job are true, in order, without repeats, and end with a terminal one."""
    with mock_server(*WORLD, "--failure-share", failure_share) as server:
        ids = submit(server.url, jobs)
        ids_file = tmp_path / "ids.txt"
        ids_file.write_text("\n".join(ids) + "\n")
        watched = watch(server.url, ids_file)
        truth = server.truth()

    assert "Traceback" not in watched.stderr
    assert watched.returncode == exit_status, watched.stderr
    assert f"{jobs} of {jobs} jobs ended" in watched.stderr

    assert len(set(ids)) == jobs
    assert truth.keys() == set(ids)
    events = [json.loads(line) for line in watched.stdout.splitlines()]
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert sum(event["status"] in TERMINAL for event in events) == jobs

    by_job: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        by_job[event["job_id"]].append(event)
    assert by_job.keys() == truth.keys()
    for job_id, told in by_job.items():
        happened = [status for _, status in truth[job_id]]
        statuses = [event["status"] for event in told]
        assert happened[-1] in TERMINAL
        assert statuses[-1] == happened[-1]
        assert is_subsequence(statuses, happened), (job_id, statuses, happened)
        assert told[0]["previous"] is None
        assert all(one["status"] == next_["previous"] for one, next_ in pairwise(told))
        assert len(told[-1]["image_urls"]) == (4 if statuses[-1] == "completed" else 0)
