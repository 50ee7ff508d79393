"""The functions most programs need. Each calls the client's method of the same name on a client of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack, overload

from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import PromptEvent
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.model.prompts import Tag
from legnext_stream._engine.sources import Jobs
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream._options import (
    GenerateFunctionOptions,
    GenerateOptions,
    WaitOptions,
    WatchOptions,
    passing,
)

if TYPE_CHECKING:
    from legnext_stream._generate import Prompts, Tagged, Texts


@passing(WatchOptions, LegnextClient.watch, LegnextClient)
def watch(
    jobs: Jobs = (),
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[WatchOptions],
) -> EventStream:
    """Turn many job ids into one stream of their status changes.

    Write `async for event in watch(job_ids)`, or, to be sure that polling has stopped when the
    block is left, `async with watch(job_ids) as events`. Rate limits, retries, intervals and queues
    are taken care of. It is `LegnextClient.watch`, with a client of its own.

    Raises:
        InvalidJobId: One of the first 10,000 items of a collection can't be a job id. (A later one,
            or one from another iterable, raises where events are read, and ends the watch.)
        ConfigurationError: There is no key, or `base_url` is not a URL.
        TypeError: `jobs` is not iterable, or is a single string; or `timeout` is not a number.
        ValueError: `timeout` is not above 0.
    """
    return _own_client(api_key, base_url, options).watch(jobs, **options)


@overload
def generate(
    prompts: tuple[()] = (), **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent[Any]]: ...
@overload
def generate(
    prompts: Texts, **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent[None]]: ...
@overload
def generate(
    prompts: Tagged[Tag], **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent[Tag]]: ...
@overload
def generate(
    prompts: Prompts, **options: Unpack[GenerateFunctionOptions]
) -> EventStream[PromptEvent]: ...
@passing(GenerateOptions, LegnextClient.generate, LegnextClient)
def generate(
    prompts: Prompts = (),
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[GenerateOptions],
) -> EventStream[PromptEvent[Any]]:
    """Submit prompts and watch their jobs, as one stream: from texts to images on disk.

    Write `async for event in generate(prompts, save_to="out")`, or, to be sure that everything has
    stopped when the block is left, `async with generate(prompts) as events`. It is
    `LegnextClient.generate`, with a client of its own; see there for how a prompt can end.

    Raises:
        ConfigurationError: There is no key, or `base_url` is not a URL.
        TypeError: As `LegnextClient.generate`.
        ValueError: As `LegnextClient.generate`.
    """
    return _own_client(api_key, base_url, options).generate(prompts, **options)


@passing(WaitOptions, LegnextClient.wait, LegnextClient)
async def wait(
    job: str | Job,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[WaitOptions],
) -> Job:
    """Wait for one job to complete, and return it. It is `LegnextClient.wait`, with a client of its own.

    Raises:
        JobFailed: The API says that it failed; the message is the API's.
        JobTimedOut: It ran, or waited without any change, for longer than `timeout`.
        JobNotFound: The API does not know it.
        LegnextError: What `watch` raises.
    """
    return await _own_client(api_key, base_url, options).wait(job, **options)


@passing(WatchOptions, LegnextClient.as_completed, LegnextClient)
def as_completed(
    jobs: Jobs = (),
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[WatchOptions],
) -> Selection[Job]:
    """Iterate over jobs in the order in which they end, well or badly.

    Write `async for job in as_completed(job_ids)`, and look at `job.status`: it says whether the
    job completed, failed, timed out or was not found, and `job.error` says why. It is
    `LegnextClient.as_completed`, with a client of its own.
    """
    return _own_client(api_key, base_url, options).as_completed(jobs, **options)


@passing(WaitOptions, LegnextClient.gather, LegnextClient)
async def gather(
    jobs: Jobs,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    **options: Unpack[WaitOptions],
) -> dict[str, Job]:
    """Wait until all jobs have ended, and return each in its final state.

    A job that ends badly raises nothing: look at `job.status` and `job.error`. It is
    `LegnextClient.gather`, with a client of its own.

    Returns:
        Every job by its id, in the order given; a job that is given twice is there once.
    """
    return await _own_client(api_key, base_url, options).gather(jobs, **options)


class _StreamClient(LegnextClient):
    """A client that belongs to one stream, which opens and closes its account."""

    def _host(self) -> None:
        return None

    def _check_open(self) -> None:
        """The stream has opened the account when it asks for something."""


def _own_client(api_key: str | None, base_url: str | None, options: WaitOptions) -> LegnextClient:
    if "client" in options:
        raise TypeError(
            "these functions open a client of their own; to use yours, call client.watch(...), client.wait(...) and so on"
        )
    return _StreamClient(api_key, base_url, pacing=options.get("pacing"))
