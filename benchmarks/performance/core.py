"""CPU of the core alone: pacer, tracker, schedule and decoding, without any HTTP.

Jobs are polled in virtual time with a hundred requests in flight, as `watch` would poll them. Only
the engine's calls are timed: `Tracker.due`, `read_poll` and `Tracker.observe`. The answers, which are
the API's in every byte, are made outside of the timed sections.

In one kind of world all jobs run, and each is polled at its own times. In the other a hundred run and
the others wait. Whenever a job ends another one is submitted, so that the number stays the same. The
allowed rate is proportional to the number of running jobs: as many requests as are worth their price.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Final
from uuid import UUID

import attrs

from benchmarks.performance.rounds import Row, child, figure_row, ratio_row
from legnext_stream._core.answers import Reply, read_poll
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker

_FEW: Final = 1_000
_MANY: Final = 1_000_000
_QUICK_MANY: Final = 20_000
_SERIES: Final = (1_000, 10_000, 100_000)
_RUNNING: Final = 100
_IN_FLIGHT: Final = 100
_MEDIAN_RUN: Final = 45.0
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_NOT_YET: Final = "0001-01-01T00:00:00Z"
# Seconds by which the server's clock is ahead.
_AHEAD: Final = 2.7
_BODY: Final = (
    '{{"job_id":"{job_id}","model":"midjourney","task_type":"diffusion","status":"{status}",'
    '"config":{{"service_mode":"public","webhook_config":{{"endpoint":"","secret":""}}}},'
    '"input":null,"output":{{"image_url":"","image_urls":null,"seed":"",'
    '"available_actions":{{}}}},"meta":{{"created_at":"2026-01-01T00:00:00Z",'
    '"started_at":"{started_at}","ended_at":"{ended_at}",'
    '"usage":{{"type":"point","frozen":80,"consume":0}}}},"detail":null,"logs":[],'
    '"error":{{"code":0,"raw_message":"","message":"","detail":null}}}}'
)


@attrs.define
class _Account:
    """Jobs that run in slots, in the order of their submission, for lognormal times.

    Attributes:
        slots: How many run at the same time.
    """

    slots: int
    _random: Random = attrs.field(factory=lambda: Random(1), init=False)
    _waiting: deque[str] = attrs.field(factory=deque, init=False)
    # When each running job started, and when it ends, in seconds.
    _runs: dict[str, tuple[float, float]] = attrs.field(factory=dict, init=False)

    def submit(self, now: float) -> str:
        """Submit a job; it runs immediately if there is a slot.

        The first ones have run for a while already, so that they don't all end at the same time.
        """
        job_id = str(UUID(int=self._random.getrandbits(128)))
        if len(self._runs) < self.slots:
            self._start(job_id, now - self._random.random() * _MEDIAN_RUN * 0.9)
        else:
            self._waiting.append(job_id)
        return job_id

    def end(self, job_id: str) -> None:
        """Forget a job whose end was reported. The next one has had its slot since the end."""
        _, ended_at = self._runs.pop(job_id)
        self._start(self._waiting.popleft(), ended_at)

    def body(self, job_id: str, at: float) -> bytes:
        """A job as the API shows it at a time."""
        started_at, ended_at = self._runs.get(job_id, (math.inf, math.inf))
        status = "pending" if at < started_at else "processing" if at < ended_at else "completed"
        return _BODY.format(
            job_id=job_id,
            status=status,
            started_at=_stamp(started_at) if status != "pending" else _NOT_YET,
            ended_at=_stamp(ended_at) if status == "completed" else _NOT_YET,
        ).encode()

    def _start(self, job_id: str, at: float) -> None:
        run = self._random.lognormvariate(math.log(_MEDIAN_RUN), 0.25)
        self._runs[job_id] = (at, at + run)


def _server_time(at: float) -> datetime:
    return _EPOCH + timedelta(seconds=math.floor(at + _AHEAD))


def _stamp(at: float) -> str:
    return f"{_server_time(at):%Y-%m-%dT%H:%M:%SZ}"


class Watch:
    """A watch of a number of jobs, polled in virtual time.

    Args:
        jobs: How many are watched.
        running: How many of them run at any time.
    """

    def __init__(self, jobs: int, running: int) -> None:
        rate = float(running)
        pacing = Pacing(max_rate=rate, initial_rate=rate, max_in_flight=2 * _IN_FLIGHT)
        pacer = Pacer(max_rate=rate, initial_rate=rate, max_in_flight=2 * _IN_FLIGHT)
        self._tracker = Tracker(pacing=pacing, timeout=600.0, pacer=pacer)
        self._account = _Account(running)
        self._now = 0.0
        # So that about as many requests are in flight as are sent at a time.
        self._answer = _IN_FLIGHT / rate / 2
        for _ in range(jobs):
            self._tracker.add(self._now, self._account.submit(self._now))

    def cpu_a_poll(self, polls: int) -> float:
        """Continue for a number of polls; return the CPU seconds of the core for each."""
        spent, done = 0.0, 0
        while done < polls:
            began = time.process_time()
            sent = self._send()
            spent += time.process_time() - began
            replies = [(job_id, self._reply(job_id, at)) for job_id, at in sent]
            began = time.process_time()
            ended = self._observe(replies)
            spent += time.process_time() - began
            done += len(sent)
            for job_id in ended:
                self._tracker.add(self._now, self._account.submit(self._now))
                self._account.end(job_id)
        return spent / done

    def _send(self) -> list[tuple[str, float]]:
        """Poll until a hundred requests are in flight, or the first is answered."""
        due, now = self._tracker.due, self._now
        sent: list[tuple[str, float]] = []
        until = math.inf
        while len(sent) < _IN_FLIGHT:
            step = due(now)
            if isinstance(step, Poll):
                sent.append((step.job_id, now))
                until = sent[0][1] + self._answer
            elif step > until:
                break
            else:
                now = step
        self._now = now
        return sent

    def _reply(self, job_id: str, sent_at: float) -> Reply:
        received_at = max(sent_at + self._answer, self._now)
        headers = {
            "date": format_datetime(_server_time(received_at), usegmt=True),
            "content-type": "application/json",
        }
        content = self._account.body(job_id, sent_at)
        return Reply(200, headers, content, sent_at, received_at, received_at)

    def _observe(self, replies: list[tuple[str, Reply]]) -> list[str]:
        """Take the answers; return the jobs whose end was reported."""
        observe = self._tracker.observe
        ended: list[str] = []
        for job_id, reply in replies:
            events = observe(reply.received_at, read_poll(job_id, reply))
            if events:
                ended += [event.job_id for event in events if event.status.is_terminal]
        self._now = max(self._now, replies[-1][1].received_at)
        return ended


def all_running(jobs: int) -> Watch:
    """A watch in which all jobs run."""
    return Watch(jobs, jobs)


def nearly_all_waiting(jobs: int) -> Watch:
    """A watch in which a hundred jobs run and the others wait."""
    return Watch(jobs, _RUNNING)


def alternating(
    make: Callable[[int], Watch], sizes: tuple[int, ...], polls: int, rounds: int
) -> list[tuple[float, ...]]:
    """CPU seconds a poll in watches of several sizes, measured in turns."""
    watches = [make(jobs) for jobs in sizes]
    for watch in watches:
        watch.cpu_a_poll(3 * polls)
    return [tuple(watch.cpu_a_poll(polls) for watch in watches) for _ in range(rounds)]


_WORLDS: Final = {"all running": all_running, "nearly all waiting": nearly_all_waiting}


def measure(quick: bool) -> list[Row]:  # noqa: FBT001 - every subject's signature
    """Polls a second with few jobs, and the cost of a poll with many."""
    many = _QUICK_MANY if quick else _MANY
    sizes = (_FEW, many) if quick else (*_SERIES, many)
    polls, rounds = (1_000, 5) if quick else (10_000, 7)
    rows = []
    for name, make in _WORLDS.items():
        taken = child(alternating, make, sizes, polls, rounds)
        series = {
            f"CPU per poll, µs, {name}": [
                (jobs, statistics.median(each[place] for each in taken) * 1e6)
                for place, jobs in enumerate(sizes)
            ]
        }
        rows.append(
            figure_row(
                f"core alone: polls per second, {_FEW:,} jobs, {name}",
                [1 / each[0] for each in taken],
                unit="polls/s",
                target=40_000,
                at_least=True,
                quick_bound=4_000,
                series=series,
            )
        )
        rows.append(
            ratio_row(
                f"CPU per poll, µs, at {many:,} jobs, {name}",
                f"at {_FEW:,}",
                [(1e6 * each[-1], 1e6 * each[0]) for each in taken],
                target=1.5,
                at_least=False,
                quick_bound=2.5,
            )
        )
    return rows
