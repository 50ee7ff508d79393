"""The functions most programs need: `watch` many jobs, `wait` for one or all, `generate` from prompts."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from legnext_stream._client import LegnextClient, ask_once, completed, open_account
from legnext_stream._core.model.jobs import Job, TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._engine.collecting import ends, gathered
from legnext_stream._engine.sources import Jobs
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream._extensions import watch_extensions
from legnext_stream.errors import ConfigurationError

if TYPE_CHECKING:
    from legnext_stream._generate import IfUnknown, Prompts
    from legnext_stream._webhooks import WebhookReceiver


def watch(
    jobs: Jobs = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
    webhooks: WebhookReceiver | None = None,
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
        webhooks: A receiver of the API's callbacks (see `webhook_app`), or None. What they tell becomes
            an event at once, and as long as they come little is polled.

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
        return client.watch(
            jobs, timeout=timeout, pacing=pacing, journal=journal, webhooks=webhooks
        )
    pacing = Pacing() if pacing is None else pacing
    account = open_account(api_key, base_url, pacing=pacing)
    return EventStream(
        jobs,
        account=account,
        open_nursery=None,
        timeout=timeout,
        pacing=pacing,
        extensions=watch_extensions(account, journal=journal, webhooks=webhooks),
    )


def generate(
    prompts: Prompts = (),
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
    """Submit prompts and watch their jobs, as one stream: from texts to images on disk.

    Write `async for event in generate(prompts, save_to="out")`, or, to be sure that all has stopped
    when the block is left, `async with generate(prompts) as events`. Each event has its `prompt` and
    that prompt's `position`, and each prompt has exactly one terminal event: its job's end; or
    `NOT_SUBMITTED`, if the API refuses it (moderation, a bad field, no credits: `event.job.error`
    says why) or it can't be sent; or `SUBMIT_UNKNOWN`, if it was sent and no answer came, so that a
    job may exist, and may cost. In the latter two `job_id` is empty.

    Prompts are submitted as fast as the API lets them in. One that is refused with 429 is tried again,
    however long that takes: where an account takes only so many jobs at once, when one of them ends.
    After a 402 nothing is submitted for a minute, and prompts that come in meanwhile end as
    `NOT_SUBMITTED`; jobs that run are watched to their ends.

    Args:
        prompts: Texts or `Prompt`s: any iterable or async iterable, a list or a Trio receive channel
            on which they arrive. They are taken in as they can be submitted, so there may be millions.
        client: An open client whose connections and pace to use; by default the stream has its own.
        api_key: The key, if there is no client; by default `LEGNEXT_API_KEY`.
        base_url: Where the API is, if there is no client; by default `LEGNEXT_BASE_URL`, else
            `https://api.legnext.ai`.
        task_type: The kind of work that texts are for; a `Prompt` has its own.
        callback: A URL that the API calls when a job ends; a prompt's own goes before it. By default
            that of `webhooks`, where it has one.
        timeout: As for `watch`, seconds; and how long a submit is tried again while it can't be sent.
        pacing: When and how fast to ask for statuses; by default the client's, else `Pacing()`.
        journal: A file in which to keep what was submitted, delivered and acknowledged, or None. A
            stream that is given the file of an earlier one goes on from there: with the prompts that
            it knows and with others, if `prompts` brings any (the same list may be given again). None
            is submitted twice: they are told apart by what they say, their tags included, and of
            several that say the same each is one. A prompt whose submit was under way when the
            earlier stream was killed ends as `SUBMIT_UNKNOWN`. Those that weren't submitted for the
            lack of credits, or because they could not be sent, are submitted then.
        save_to: A folder for the results, or None. A completed job is told once its files are there
            (`event.files`), or can't be had (`event.download_error`).
        name: How the files are called, as for `str.format`: with `job_id`, `number` (which of the
            job's results, from 1), `suffix`, `task_type`, `position`, `tag` and `prompt`.
        parallel_downloads: How many files are fetched at once.
        at_once: How many of the jobs may be unfinished at once; by default as many as the account
            takes, up to 1,000.
        if_unknown: What becomes of a prompt whose submit was sent and not answered: `"tell"` ends it
            as `SUBMIT_UNKNOWN`; `"submit_again"` submits it again, so that there may be two jobs for
            it, both of which cost.
        webhooks: As for `watch`.

    Raises:
        ConfigurationError: There is no key, or the base URL is none, or a client was given together
            with a key or a base URL.
        TypeError: `prompts` is not iterable, or one string; or among the first 10,000 of a collection
            is something that is no prompt. (What comes later, or one by one, is refused at the loop,
            and ends the stream. So is what JSON can't hold, where there is a journal.)
        ValueError: There is no such task type, or it takes no text; or a number is out of its range.
    """
    if client is not None:
        if api_key is not None or base_url is not None:
            raise ConfigurationError("a client has its own key and base URL: pass it, or them")
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
    # Only who generates pays for the import.
    from legnext_stream import _generate  # noqa: PLC0415 - see above

    pacing = Pacing() if pacing is None else pacing
    account = open_account(api_key, base_url, pacing=pacing)
    return _generate.generate(
        prompts,
        account=account,
        open_nursery=None,
        get_job=partial(ask_once, account),
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


def as_completed(
    jobs: Jobs = (),
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,
    pacing: Pacing | None = None,
    journal: str | os.PathLike[str] | None = None,
    webhooks: WebhookReceiver | None = None,
) -> Selection[Job]:
    """The jobs in the order in which they end, well or badly: an async iterator of `Job`.

    Write `async for job in as_completed(job_ids)`, and look at `job.status`: of a bad job it says
    that it failed, timed out or was not found, and `job.error` says why. The arguments, and what is
    raised, are those of `watch`; so is the way of leaving it, by `break` or in `async with`.
    """
    return ends(
        watch(
            jobs,
            client=client,
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            pacing=pacing,
            journal=journal,
            webhooks=webhooks,
        )
    )


async def gather(
    jobs: Jobs,
    *,
    client: LegnextClient | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    timeout: float | None = 600.0,  # noqa: ASYNC109 - a job's limit, not this call's
    pacing: Pacing | None = None,
    webhooks: WebhookReceiver | None = None,
) -> dict[str, Job]:
    """Wait until all jobs have ended, and return each as it is then.

    A job that ends badly raises nothing, for that would throw away what the others have cost: look
    at `job.status` and `job.error`. What concerns all jobs is raised, as `watch` raises it. The
    arguments are those of `watch`, without the journal: what an earlier watch has told is not told
    again, so it would be missing here.

    Returns:
        Every job by its id, in the order in which they were given; one given twice is there once.
    """
    begin = partial(
        watch,
        client=client,
        api_key=api_key,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        webhooks=webhooks,
    )
    return await gathered(jobs, begin)
