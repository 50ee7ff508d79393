"""The core alone at work: decoding, tracker and pacer on a few hundred jobs.

python workload.py JOBS

Runs once and prints what it did as JSON; `instructions` counts the CPU instructions of the process. It
uses the library as the engine does, and only what all versions have, so that it runs with an earlier
release as well: `PYTHONPATH` selects it.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from collections import deque
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from heapq import heapify, heapreplace
from random import Random
from types import ModuleType
from typing import Final

import attrs

_ANSWER: Final = 0.1
"""How long an answer takes, in seconds."""
_SLOTS: Final = 12
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_ZERO_TIME: Final = "0001-01-01T00:00:00Z"
_SEED: Final = 0


def _stand_in() -> None:
    """Make the core importable without the rest of the library.

    The package's `__init__` imports httpx and trio, which takes ten times as many instructions as the
    core's modules. The core depends on neither.
    """
    found = importlib.util.find_spec("legnext_stream")
    if found is None or found.submodule_search_locations is None:
        raise ModuleNotFoundError("there is no legnext_stream on this path")
    package = ModuleType("legnext_stream")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["legnext_stream"] = package


@attrs.frozen
class _Job:
    """The times of a job, in seconds since the start of the watch."""

    job_id: str
    starts_at: float
    ends_at: float

    def content(self, at: float) -> bytes:
        """The API's answer for it, as bytes."""
        status, started, ended, urls = "pending", _ZERO_TIME, _ZERO_TIME, "[]"
        if at >= self.starts_at:
            status, started = "processing", _stamp(self.starts_at)
        if at >= self.ends_at:
            status, ended = "completed", _stamp(self.ends_at)
            urls = f'["https://cdn.legnext.ai/{self.job_id}-0.png"]'
        return (
            f'{{"job_id":"{self.job_id}","model":"midjourney","task_type":"diffusion",'
            f'"status":"{status}","config":{{"service_mode":"public","webhook_config":'
            '{"endpoint":"","secret":""}},"input":null,"output":{"image_url":"","image_urls":'
            f'{urls},"seed":"1"}},"meta":{{"created_at":"{_stamp(0.0)}","started_at":"{started}",'
            f'"ended_at":"{ended}","usage":{{"type":"point","frozen":80,"consume":80}}}},'
            '"detail":null,"logs":[],"error":{"code":0,"raw_message":"","message":"","detail":null}}'
        ).encode()


def _stamp(at: float) -> str:
    return (_EPOCH + timedelta(seconds=math.floor(at))).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lives(count: int) -> list[_Job]:
    """Jobs that all wait at first; some run at a time, for about 45 s each."""
    random = Random(_SEED)
    free_at = [0.0] * _SLOTS
    heapify(free_at)
    lives = []
    for _ in range(count):
        starts_at = free_at[0]
        ends_at = starts_at + random.lognormvariate(math.log(45.0), 0.25)
        heapreplace(free_at, ends_at)
        lives.append(_Job(f"{random.getrandbits(128):032x}", starts_at, ends_at))
    return lives


def main(count: int) -> int:
    """Follow a number of jobs to their ends; return the number of polls."""
    _stand_in()
    # After `_stand_in`, so that nothing else of the library is imported.
    from legnext_stream._core.answers import Reply, read_poll  # noqa: PLC0415
    from legnext_stream._core.pace import Pacer  # noqa: PLC0415
    from legnext_stream._core.pacing import Pacing  # noqa: PLC0415
    from legnext_stream._core.tracker import Poll, Tracker  # noqa: PLC0415

    jobs = {job.job_id: job for job in _lives(count)}
    pacing = Pacing()
    pacer = Pacer(
        max_rate=pacing.max_rate,
        initial_rate=pacing.initial_rate,
        max_in_flight=pacing.max_in_flight,
    )
    tracker = Tracker(pacing=pacing, timeout=600.0, pacer=pacer)
    for job_id in jobs:
        tracker.add(0.0, job_id)
    # All answers take the same time, so they arrive in the order of the polls.
    under_way: deque[tuple[float, str]] = deque()
    now, polls, ended = 0.0, 0, 0
    while tracker.active:
        step = tracker.due(now)
        if isinstance(step, Poll):
            under_way.append((now, step.job_id))
            polls += 1
            continue
        now = min(step, under_way[0][0] + _ANSWER if under_way else math.inf)
        if under_way and under_way[0][0] + _ANSWER <= now:
            sent_at, job_id = under_way.popleft()
            headers = {
                "content-type": "application/json",
                "date": format_datetime(_EPOCH + timedelta(seconds=now), usegmt=True),
            }
            answer = Reply(200, headers, jobs[job_id].content(sent_at), sent_at, now)
            for event in tracker.observe(now, read_poll(job_id, answer)):
                ended += event.status.is_terminal
    if ended != count:
        raise AssertionError(f"{ended} ends were reported of {count} jobs")
    return polls


if __name__ == "__main__":
    done = main(int(sys.argv[1]))
    json.dump({"polls": done, "path": sys.modules["legnext_stream"].__path__[0]}, sys.stdout)
