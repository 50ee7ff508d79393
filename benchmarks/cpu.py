"""The CPU time of a poll in our policy, as a ratio: seconds would depend on the machine.

The clock is the CPU time of the process, read around each call of the policy. Short and long runs
alternate, and the minimum of each counts: other load on the machine can only add.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from benchmarks.harness import News, Reply, run
from benchmarks.policies import OPEN, Ours
from benchmarks.worlds import AS_DESCRIBED, Factory, long_queue, queue

_REPEATS: Final = 2


class _Timed:
    """A policy, and the nanoseconds it takes."""

    def __init__(self, policy: Ours) -> None:
        self._policy = policy
        self.spent = 0

    def begin(self, now: float, job_ids: Sequence[str]) -> None:
        began = time.process_time_ns()
        self._policy.begin(now, job_ids)
        self.spent += time.process_time_ns() - began

    def due(self, now: float) -> str | float:
        began = time.process_time_ns()
        step = self._policy.due(now)
        self.spent += time.process_time_ns() - began
        return step

    def observe(self, now: float, job_id: str, reply: Reply) -> News:
        began = time.process_time_ns()
        news = self._policy.observe(now, job_id, reply)
        self.spent += time.process_time_ns() - began
        return news


def _microseconds(factory: Factory) -> float:
    scenario = factory(0, AS_DESCRIBED)
    policy = _Timed(Ours(OPEN))
    result = run(policy, scenario.world, scenario.job_ids)
    return policy.spent / 1000 / len(result.sent)


def cpu_a_poll() -> tuple[float, float]:
    """CPU microseconds a poll with 1,000 jobs in line, and with 10,000."""
    pairs = [(_microseconds(queue), _microseconds(long_queue)) for _ in range(_REPEATS)]
    return min(short for short, _ in pairs), min(long for _, long in pairs)
