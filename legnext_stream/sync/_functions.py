# Generated from legnext_stream/aio/_functions.py by .ci/make_sync.py; don't edit.
"""The functions most programs need, in plain code."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from legnext_stream import _functions as trios
from legnext_stream._bridges.sources_sync import outward
from legnext_stream._bridges.stream import client_closed, ended, told_as
from legnext_stream._bridges.trio_thread import Lease
from legnext_stream._bridges.waiting_sync import end, result
from legnext_stream._core.model.jobs import Job, TaskType
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.pacing import Pacing
from legnext_stream.errors import ConfigurationError
from legnext_stream.sync._client import LegnextClient
from legnext_stream.sync._streams import EventStream, Selection

if TYPE_CHECKING:
    from legnext_stream._generate import IfUnknown
    from legnext_stream._webhooks import WebhookReceiver

if TYPE_CHECKING:
    from legnext_stream._generate import IfUnknown
    from legnext_stream._webhooks import WebhookReceiver

T = TypeVar("T")


def watch(
    jobs: Iterable[str | Job] = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
    webhooks: WebhookReceiver | None = None,
) -> EventStream:
    """Turn many job ids into one stream of their status changes: `legnext_stream.watch`, in plain code.

    The arguments, what they mean, and what is raised are those of `legnext_stream.watch`. But
    `client` is one of this module. A collection of jobs is copied at once; any other iterable runs in
    a thread of its own, so that one that waits for its next job delays no event.
    """
    if client is not None:
        _check_settings(api_key, base_url)
        return client.watch(
            jobs, timeout=timeout, pacing=pacing, journal=journal, webhooks=webhooks
        )
    stream = trios.watch(
        outward(jobs),
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
        webhooks=webhooks,
    )
    return EventStream(stream, None)


def generate(
    prompts: Iterable[str | Prompt] = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    task_type: TaskType | str = TaskType.DIFFUSION,
    callback: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
    save_to: str | os.PathLike[str] | None = None,
    name: str = "{job_id}-{number}{suffix}",
    parallel_downloads: int = 4,
    at_once: int | None = None,
    if_unknown: IfUnknown = "tell",
    webhooks: WebhookReceiver | None = None,
) -> EventStream:
    """Submit prompts and watch their jobs, as one stream; see `legnext_stream.generate`.

    The arguments, and what is raised, are those of `legnext_stream.generate`; for `client` and
    `prompts` goes what `watch` says of its own. A prompt is asked for when it can be submitted.
    """
    if client is not None:
        _check_settings(api_key, base_url)
        return client.generate(
            prompts,
            task_type=task_type,
            callback=callback,
            timeout=timeout,
            pacing=pacing,
            journal=journal,
            save_to=save_to,
            name=name,
            parallel_downloads=parallel_downloads,
            at_once=at_once,
            if_unknown=if_unknown,
            webhooks=webhooks,
        )
    stream = trios.generate(
        outward(prompts, at_once=1),
        api_key=api_key,
        base_url=base_url,
        task_type=task_type,
        callback=callback,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
        save_to=save_to,
        name=name,
        parallel_downloads=parallel_downloads,
        at_once=at_once,
        if_unknown=if_unknown,
        webhooks=webhooks,
    )
    return EventStream(stream, None)


def wait(
    job: str | Job,
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
) -> Job:
    """Wait for one job to complete, and return it; see `legnext_stream.wait`.

    Raises:
        JobFailed: The API says that it failed; the message is the API's.
        JobTimedOut: It ran, or waited without any change, for longer than `timeout`.
        JobNotFound: The API does not know it.
        LegnextError: What `watch` raises.
    """
    if client is None:
        work = partial(
            trios.wait, job, api_key=api_key, base_url=base_url, timeout=timeout, pacing=pacing
        )
        return _call(work)
    _check_settings(api_key, base_url)
    return client.wait(job, timeout=timeout, pacing=pacing)


def as_completed(
    jobs: Iterable[str | Job] = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
    webhooks: WebhookReceiver | None = None,
) -> Selection[Job]:
    """The jobs in the order in which they end, well or badly; see `legnext_stream.as_completed`.

    The arguments, and what is raised, are those of `watch`.
    """
    stream = watch(
        jobs,
        client=client,
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
        webhooks=webhooks,
    )
    return Selection(stream, ended)


def gather(
    jobs: Iterable[str | Job],
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    webhooks: WebhookReceiver | None = None,
) -> dict[str, Job]:
    """Wait until all jobs have ended, and return each as it is then; see `legnext_stream.gather`.

    The arguments, and what is raised, are those of `watch`, without the journal.

    Returns:
        Every job by its id, in the order in which they were given; one given twice is there once.
    """
    if client is None:
        work = partial(
            trios.gather,
            outward(jobs),
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            pacing=pacing,
            webhooks=webhooks,
        )
        return _call(work)
    _check_settings(api_key, base_url)
    return client.gather(jobs, timeout=timeout, pacing=pacing, webhooks=webhooks)


def _check_settings(api_key: str | None, base_url: str | None) -> None:
    if api_key is not None or base_url is not None:
        raise ConfigurationError("a client has its own key and base URL: pass it, or them")


def _call(work: Callable[[], Awaitable[T]]) -> T:
    lease = Lease()
    try:
        with told_as(client_closed):
            return result(lease.call(work), lease)
    finally:
        end(lease)
