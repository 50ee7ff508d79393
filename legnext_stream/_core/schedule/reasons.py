"""Why a job is next polled when it is, in words and numbers for people."""

from __future__ import annotations

import math

from legnext_stream._core.schedule.queue_order import QueueOrder
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.watched import Watched


def reason_for(
    now: float,
    job: Watched,
    *,
    queue: QueueOrder,
    runs: RunTimes,
    cost: float,
    patience: float,
    undetected: float,
    doubt: float | None,
) -> tuple[str, dict[str, float]]:
    """The reason in a sentence, and the numbers behind it.

    Prices and times are in seconds. Patience is how long after it was seen waiting the job is
    polled again, and doubt the chance that no callback will report its end; None without callbacks.
    """
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
        numbers["ahead_in_queue"] = float(ahead)
        sentence = (
            f"waits in the queue behind {ahead} jobs; jobs have been starting in the order of their"
            " submission, so it isn't polled until its turn is near"
        )
    elif job.missing_since is not None:
        sentence = "the API did not know it; polled again to make sure"
    elif job.failures:
        numbers["failures"] = float(job.failures)
        sentence = f"the last {job.failures} polls of it failed; polled again after a backoff"
    elif job.started_at is None:
        numbers["patience"] = patience
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
            "expected_undetected": undetected,
            "ended_jobs_learned_from": float(runs.ended_jobs),
        }
        how = "has run" if job.is_confirmed else "has probably run"
        sentence = (
            f"{how} for {age:.1f} s of a median of {numbers['median_run']:.0f} s; polled when the"
            f" news of its end is expected to have been undetected for {cost:g} s"
        )
        if doubt is not None:
            numbers["doubt"] = doubt
            sentence += f", times the {doubt:.1%} chance that no callback reports it"
    return sentence, numbers
