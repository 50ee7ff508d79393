"""A stream of `generate`, from what a caller says."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import trio

from legnext_stream._core.model.jobs import Job, TaskType
from legnext_stream._core.model.prompts import as_prompt
from legnext_stream._core.model.tasks import check_task_type
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.submitting import MOST_AT_ONCE
from legnext_stream._engine.account import Account
from legnext_stream._engine.sources import check_source
from legnext_stream._engine.stream import EventStream
from legnext_stream._extensions import watch_extensions
from legnext_stream._generate.extension import PromptsExtension
from legnext_stream._generate.intake import Prompts
from legnext_stream._generate.submitter import IfUnknown, SubmitSettings

if TYPE_CHECKING:
    from legnext_stream._webhooks import WebhookReceiver


def generate(
    prompts: Prompts,
    *,
    account: Account,
    open_nursery: Callable[[], trio.Nursery] | None,
    get_job: Callable[[str], Awaitable[Job]],
    task_type: TaskType | str,
    callback: str | None,
    timeout: float | None,
    pacing: Pacing,
    journal: str | os.PathLike[str] | None,
    save_to: str | os.PathLike[str] | None,
    name: str,
    parallel_downloads: int,
    at_once: int | None,
    if_unknown: IfUnknown,
    webhooks: WebhookReceiver | None,
) -> EventStream:
    """The stream of a batch that is submitted as it goes; see `legnext_stream.generate`.

    Args:
        prompts: What is to be submitted.
        account: Whose lanes and pace to use.
        open_nursery: Gives the client's nursery; None for a stream that has its account for itself.
        get_job: Asks how a job is, for fresh URLs of its files.
        task_type: As `generate` has it; so are the others.
        callback: See `generate`.
        timeout: See `generate`.
        pacing: See `generate`.
        journal: See `generate`.
        save_to: See `generate`.
        name: See `generate`.
        parallel_downloads: See `generate`.
        at_once: See `generate`.
        if_unknown: See `generate`.
        webhooks: See `generate`.

    Raises:
        TypeError: See `generate`.
        ValueError: See `generate`.
    """
    kind = check_task_type(task_type)
    _check(prompts, kind)
    if if_unknown not in {"tell", "submit_again"}:
        msg = f'if_unknown is "tell" or "submit_again", not {if_unknown!r}'
        raise ValueError(msg)
    most = MOST_AT_ONCE if at_once is None else at_once
    if most < 1:
        msg = f"at least one job has to be at the API at once, not {at_once!r}"
        raise ValueError(msg)
    saver = None
    if save_to is not None:
        # Only those who save files wait for the import.
        from legnext_stream._results import Saver  # noqa: PLC0415 - see above

        saver = Saver(
            account.files, save_to, name=name, parallel=parallel_downloads, get_job=get_job
        )
    if callback is None and webhooks is not None:
        callback = webhooks.url
    settings = SubmitSettings(
        task_type=kind, callback=callback, timeout=timeout, at_once=most, if_unknown=if_unknown
    )
    batch = partial(PromptsExtension, prompts, account=account, settings=settings, saver=saver)
    return EventStream(
        (),
        account=account,
        open_nursery=open_nursery,
        timeout=timeout,
        pacing=pacing,
        extensions=watch_extensions(account, journal=journal, webhooks=webhooks, batch=batch),
    )


def _check(prompts: object, task_type: TaskType) -> None:
    """Refuse what can't be a source of prompts, before any is submitted."""
    check_source(
        prompts,
        lambda item: as_prompt(item, task_type),
        one="generate() takes many prompts, not one string: write generate([text])",
        none=f"generate() takes an iterable or async iterable of prompts, not {prompts!r}",
    )
