"""Why a job is next polled when it is, in words and numbers for people."""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from legnext_stream._core.schedule.price_rule import PriceRule
from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.watched import Watched


@attrs.frozen
class Explanation:
    """Why a job is next polled when it is, for people and for programs.

    Attributes:
        job_id: Which job.
        due: When it is next polled, in seconds on the clock of the Trio run. None if it has ended, or
            has no time of its own because that depends on what is learned from other jobs.
        sentence: The reason, in words.
        numbers: What it was computed from, by name: times in seconds (`age`, `median_run`, `due_in`,
            …), the price in seconds of delay, counts.
        queue_position: Its place among the waiting jobs of this watch, as the watch believes: 1 is the
            next to start. None if it doesn't wait, or jobs don't start in the order of submission.
    """

    job_id: str
    due: float | None
    sentence: str
    numbers: Mapping[str, float] = attrs.field(hash=False)
    queue_position: int | None = None

    def __str__(self) -> str:
        return f"{self.job_id}: {self.sentence}"


def reason_for(
    now: float, job: Watched, *, queue: QueueOrder, rule: PriceRule, cost: float
) -> tuple[str, dict[str, float]]:
    """The reason in a sentence, and the numbers behind it. `cost` is the price of a request."""
    runs = rule.run_times(job)
    numbers = {"median_run": runs.curve.quantile(0.5)}
    if job.is_scheduled:
        numbers["due_in"] = max(job.due - now, 0.0)
    if job is queue.head and not job.is_scheduled:
        sentence = (
            "first in the queue; taken to have started as soon as another job's end frees a slot,"
            " and polled now and then until then"
        )
    elif not job.is_scheduled:
        ahead = max(job.position - queue.low - 1, 0)
        jobs = "job" if ahead == 1 else "jobs"
        numbers |= {"ahead_in_queue": float(ahead), "due_in": max(job.due - now, 0.0)}
        sentence = (
            f"waits in the queue behind {ahead} {jobs}; jobs have been starting in the order of their"
            " submission, so until its turn is near it is only polled in case it has failed"
        )
    elif job.missing_since is not None:
        sentence = "the API did not know it; polled again to make sure"
    elif job.failures:
        numbers["failures"] = float(job.failures)
        sentence = f"the last {job.failures} polls of it failed; polled again after a backoff"
    elif job.started_at is None:
        numbers["patience"] = rule.patience(now, job)
        sentence = (
            "waits, and may start out of order; polled again when the news of its end would be worth"
            " a request if it had started when it was last seen"
        )
    elif job.started_at == -math.inf:
        sentence = "has probably started, as later jobs have, at an unknown time; polled soon"
    else:
        age = now - job.started_at
        numbers |= {
            "age": age,
            "age_last_seen": job.counted,
            "expected_undetected": rule.undetected(now, job),
            "ended_jobs_learned_from": float(runs.ended_jobs),
        }
        how = "has run" if job.is_confirmed else "has probably run"
        sentence = (
            f"{how} for {age:.1f} s of a median of {numbers['median_run']:.0f} s; polled when the"
            f" news of its end is expected to have been undetected for {cost:g} s"
        )
        if rule.callbacks is not None:
            numbers["doubt"] = doubt = rule.doubt(now)
            sentence += f", times the {doubt:.1%} chance that no callback reports it"
    return sentence, numbers
