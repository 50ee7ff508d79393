# Generated from legnext_stream/aio/_functions.py by .ci/make_sync.py; don't edit.
"""The functions most programs need, in synchronous code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeVar, Unpack, overload

from legnext_stream import _functions as trio_functions
from legnext_stream._bridges.sources_sync import for_trio
from legnext_stream._bridges.stream import client_closed, ended, withdrawn_as
from legnext_stream._bridges.trio_thread import Lease
from legnext_stream._bridges.waiting_sync import end, result
from legnext_stream._core.model.events import PromptEvent
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.model.prompts import Prompt, Tag
from legnext_stream._options import (
    GenerateFunctionOptions,
    WaitFunctionOptions,
    WatchFunctionOptions,
    passing,
)
from legnext_stream.sync._streams import EventStream, Selection

T = TypeVar("T")


@passing(WatchFunctionOptions, trio_functions.watch)
def watch(
    jobs: Iterable[str | Job] = (),
    **options: Unpack[WatchFunctionOptions],
) -> EventStream:
    """Turn many job ids into one stream of their status changes; see `legnext_stream.watch`.

    The arguments, and what is raised, are those of `legnext_stream.watch`.

    Args:
        jobs: Job ids or `Job`s. A collection is copied. Any other iterable
            runs in a thread of its own.
    """
    return EventStream(trio_functions.watch(for_trio(jobs), **options), None)


@overload
def generate(
    prompts: tuple[()] = (), **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent[Any]]: ...
@overload
def generate(
    prompts: Iterable[str], **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent[None]]: ...
@overload
def generate(
    prompts: Iterable[Prompt[Tag]],
    **options: Unpack[GenerateFunctionOptions],
) -> EventStream[PromptEvent[Tag]]: ...
@overload
def generate(
    prompts: Iterable[str | Prompt],
    **options: Unpack[GenerateFunctionOptions],
) -> EventStream[PromptEvent]: ...
@passing(GenerateFunctionOptions, trio_functions.generate)
def generate(
    prompts: Iterable[str | Prompt] = (),
    **options: Unpack[GenerateFunctionOptions],
) -> EventStream[PromptEvent[Any]]:
    """Submit prompts and watch their jobs, as one stream; see `legnext_stream.generate`.

    The arguments, and what is raised, are those of `legnext_stream.generate`. `prompts` is iterated
    as `watch` does with `jobs`; each prompt is asked for when it can be submitted.
    """
    return EventStream(trio_functions.generate(for_trio(prompts, batch=1), **options), None)


@passing(WaitFunctionOptions, trio_functions.wait)
def wait(job: str | Job, **options: Unpack[WaitFunctionOptions]) -> Job:
    """Wait for one job to complete, and return it; see `legnext_stream.wait`.

    Raises:
        JobFailed: The API says that it failed; the message is the API's.
        JobTimedOut: It ran, or waited without any change, for longer than `timeout`.
        JobNotFound: The API does not know it.
        LegnextError: What `watch` raises.
    """
    return _call(partial(trio_functions.wait, job, **options))


@passing(WatchFunctionOptions, trio_functions.as_completed)
def as_completed(
    jobs: Iterable[str | Job] = (),
    **options: Unpack[WatchFunctionOptions],
) -> Selection[Job]:
    """Iterate over jobs in the order in which they end; see `legnext_stream.as_completed`.

    The arguments, and what is raised, are those of `watch`.
    """
    return Selection(watch(jobs, **options), ended)


@passing(WaitFunctionOptions, trio_functions.gather)
def gather(
    jobs: Iterable[str | Job],
    **options: Unpack[WaitFunctionOptions],
) -> dict[str, Job]:
    """Wait until all jobs have ended, and return each in its final state; see `legnext_stream.gather`.

    The arguments, and what is raised, are those of `watch`, without the journal.

    Returns:
        Every job by its id, in the order given; a job that is given twice is there once.
    """
    return _call(partial(trio_functions.gather, for_trio(jobs), **options))


def _call(work: Callable[[], Awaitable[T]]) -> T:
    lease = Lease()
    try:
        with withdrawn_as(client_closed):
            return result(lease.call(work), lease)
    finally:
        end(lease)
