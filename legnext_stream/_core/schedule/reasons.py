"""Why a job is next polled when it is, in words and numbers for people."""

from __future__ import annotations

import math

from legnext_stream._core.schedule.queue_order import Line
from legnext_stream._core.schedule.runtimes import RunTimes
from legnext_stream._core.watched import Watched


def reason_for(
    now: float,
    job: Watched,
    *,
    line: Line,
    runs: RunTimes,
    cost: float,
    patience: float,
    undetected: float,
    doubt: float | None,
) -> tuple[str, dict[str, float]]:
    """The reason in a sentence, and the numbers behind it.

    Args:
        now: The time, seconds.
        job: The job.
        line: Where it may be waiting.
        runs: The run times that its own is expected to be like.
        cost: What a request is worth, seconds of delay.
        patience: How long after it was seen waiting it is asked about again, seconds.
        undetected: The news of it that is expected to have been lying undetected, seconds.
        doubt: The chance that its end isn't told by callback; None if there are no callbacks.
    """
    numbers = {"median_run": runs.curve.quantile(0.5)}
    if job.is_minded:
        numbers["due_in"] = max(job.due - now, 0.0)
    if job is line.head and not job.is_minded:
        sentence = (
            "stands first in line; believed to have started as soon as an end is seen to free a"
            " slot, and asked now and then in between"
        )
    elif not job.is_minded:
        ahead = max(job.position - line.low - 1, 0)
        numbers["ahead_in_line"] = float(ahead)
        sentence = (
            f"waits with {ahead} jobs ahead of it in line; jobs have been starting in the order"
            " of their submission, so it isn't asked about until its turn comes near"
        )
    elif job.missing_since is not None:
        sentence = "the API did not know it; asked again to make sure"
    elif job.failures:
        numbers["failures"] = float(job.failures)
        sentence = f"the last {job.failures} polls of it failed; asked again after a backoff"
    elif job.started_at is None:
        numbers["patience"] = patience
        sentence = (
            "waits, and may start out of turn; asked again when the news would be worth it"
            " if it had started when it was last seen"
        )
    elif job.started_at == -math.inf:
        sentence = (
            "is believed, by its place in line, to have started, nobody knows when; asked as"
            " soon as may be"
        )
    else:
        age = now - job.started_at
        numbers |= {
            "age": age,
            "age_last_seen": job.counted,
            "expected_undetected": undetected,
            "ended_jobs_learned_from": float(runs.ended_jobs),
        }
        how = "has run" if job.is_confirmed else "is believed, by its place in line, to have run"
        sentence = (
            f"{how} for {age:.1f} s of a median of {numbers['median_run']:.0f} s; asked when the"
            f" news of its end, undetected, is expected to have waited {cost:g} s"
        )
        if doubt is not None:
            numbers["doubt"] = doubt
            sentence += f", counting {doubt:.1%} of it, as a callback is expected to tell it"
    return sentence, numbers
