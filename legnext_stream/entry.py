"""The two functions most programs need: `watch` many jobs, `wait` for one."""

from __future__ import annotations

import os
from pathlib import Path

from legnext_stream.client import LegnextClient, completed, open_account
from legnext_stream.core.jobs import Job
from legnext_stream.core.pacing import Pacing
from legnext_stream.engine import Jobs
from legnext_stream.errors import ConfigurationError
from legnext_stream.stream import EventStream


def watch(
    jobs: Jobs = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
) -> EventStream:
    """Turn many job ids into one stream of their status changes.

    Write `async for event in watch(job_ids)`, or, to be sure that polling has stopped when the block
    is left, `async with watch(job_ids) as events`. Rate limits, retries, intervals and queues are
    taken care of.

    Args:
        jobs: Job ids or `Job`s: any iterable or async iterable, a list of 100,000 or a Trio receive
            channel on which they arrive. They are taken in as they come; one that comes twice is
            watched once. A `Job` that has ended makes its event without a request.
        client: An open client whose connections and pace to use; by default the watch has its own.
        api_key: The key, if there is no client; by default `LEGNEXT_API_KEY`.
        base_url: Where the API is, if there is no client; by default `LEGNEXT_BASE_URL`, else
            `https://api.legnext.ai`.
        timeout: How long a job may run, from its start or from when it was first seen running, and
            how long the watch may see no change at all while jobs wait, seconds. So hours in a long
            queue are no timeout, and a stuck one ends. None for never.
        pacing: When and how fast to ask; by default the client's, else `Pacing()`.
        journal: A file in which to keep what was delivered and acknowledged, or None. A watch that
            is given the file of an earlier one goes on from there: with its jobs (`jobs` may be left
            out, or bring more), without telling again what was acknowledged (asking for the next
            event acknowledges the one before; see `EventStream.ack`), without asking again about
            jobs whose end was seen, and with what was learned. One watch at a time has it.

    Raises:
        InvalidJobId: One of the first 10,000 items of a collection can't be a job id. (One that
            comes later, or from another iterable, is refused at the loop, and ends the watch.)
        ConfigurationError: There is no key, or the base URL is none, or a client was given together
            with a key or a base URL.
        TypeError: `jobs` is not iterable, or one string; or `timeout` is no number.
        ValueError: `timeout` is not above 0.
    """
    if client is not None:
        if api_key is not None or base_url is not None:
            raise ConfigurationError("a client has its own key and base URL: pass it, or them")
        return client.watch(jobs, timeout=timeout, pacing=pacing, journal=journal)
    pacing = Pacing() if pacing is None else pacing
    return EventStream(
        jobs,
        account=open_account(api_key, base_url, pacing=pacing),
        open_nursery=None,
        timeout=timeout,
        pacing=pacing,
        journal=None if journal is None else Path(journal),
    )


async def wait(
    job: str | Job,
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,  # noqa: ASYNC109 - a job's limit, not this call's
    pacing: Pacing | None = None,
) -> Job:
    """Wait for one job to complete, and return it. The arguments are those of `watch`.

    Raises:
        JobFailed: The API says that it failed; the message is the API's.
        JobTimedOut: It ran, or waited without any change, for longer than `timeout`.
        JobNotFound: The API does not know it.
        LegnextError: What `watch` raises.
    """
    async with watch(
        [job],
        client=client,
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
    ) as events:
        return await completed(events)
