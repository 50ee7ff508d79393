"""`legnext-stream generate`: submit prompts, follow their jobs, save the results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.earlier import Earlier
from legnext_stream._cli.exits import PROGRAM, Exit, UsageError, nothing_in
from legnext_stream._cli.following import Batch, follow_jobs
from legnext_stream._cli.inputs import (
    LineStream,
    check_callback,
    check_name,
    from_journal,
    learned_durations,
)
from legnext_stream._cli.journals import announcement, default_journal, find_journal
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import Count, Flag, FollowOptions, Source
from legnext_stream._cli.planning import as_json, is_enough, lines, plan_of
from legnext_stream._cli.prompts import read_prompts
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._cli.typed import (
    by_id,
    is_read_once,
    line,
    same_line,
    same_line_without,
    same_place,
)
from legnext_stream._cli.unfinished import Unfinished
from legnext_stream._core.model.prices import price_of
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.results.file_names import DEFAULT_NAME
from legnext_stream._journal.contents import Standing, read_to_submit
from legnext_stream._results import check_folder
from legnext_stream.errors import LegnextError

# How long a dry run tries to ask for the balance, seconds.
_PATIENCE = 10.0


async def generate(
    source: Source = None,
    /,
    *,
    save_to: Path | None = None,
    task_type: TaskType = TaskType.DIFFUSION,
    jsonl: Flag = False,
    name: str = DEFAULT_NAME,
    parallel_downloads: Count = 4,
    at_once: Count | None = None,
    if_unknown: Literal["tell", "submit-again"] = "tell",
    callback: str | None = None,
    max_cost: Annotated[float | None, Parameter(validator=Number(gte=0))] = None,
    dry_run: Flag = False,
    no_journal: Flag = False,
    options: FollowOptions = FollowOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Submit prompts, follow their jobs, and save the results.

    Jobs are submitted as fast as the account's slots and limits allow, and followed meanwhile. On a
    terminal it shows a live display, and at the end the files or URLs of what was made; in a pipe it
    writes one JSON object a line for each change. Standard error gets a summary; at an early end
    also what still runs, and the line to go on with.

    It can be interrupted at any time: run the same command line again to resume. No prompt is
    submitted twice or left out, complete files are kept, and missing ones are fetched. For this a
    journal is kept in the current folder, named after the file of prompts; --journal names another,
    and --no-journal goes without.

    Args:
        source: A file of prompts, one a line; - for standard input, which is read as it arrives.
            Blank lines are ignored, and so are lines that begin with a #. A file whose name ends in
            .jsonl or .ndjson has one JSON object a line: "text", and optionally "tag", "task_type"
            and "params". A .json file has an array of such objects, or of texts. A file is checked
            as a whole before the first request.
        save_to: A folder for the images and videos; it is created if it doesn't exist. Existing
            files are never overwritten.
        task_type: The task of prompts that don't name one.
        jsonl: Read the prompts as JSON lines, whatever the file is called.
        name: The file names. {job_id}, {number}, {suffix}, {task_type}, {tag}, {position} and
            {prompt} are filled in.
        parallel_downloads: The most files that are downloaded at the same time.
        at_once: The most unfinished jobs at the same time; by default what the account allows.
        if_unknown: What to do if a submit got no answer. The job may exist. tell reports it as
            submit_unknown; submit-again may create a second job.
        callback: A URL that the API calls when a job ends.
        max_cost: How many points the jobs may cost. If the prompts of a file would cost more by the
            estimated prices, nothing is submitted. Otherwise the jobs count at their real prices,
            and prompts for which not enough is left are not submitted.
        dry_run: Submit nothing. Print how many prompts there are, what they would cost, what the
            account has left, and how long they would take. The exit status is 1 if that is not
            enough.
        no_journal: Keep no journal. The batch can then not be resumed.
        options: What the commands that follow jobs have in common.
    """
    is_default = options.journal is None and source is not None and not no_journal
    if no_journal and options.journal is not None:
        raise UsageError("--journal and --no-journal exclude each other")
    if is_default and source is not None:
        path = default_journal(source, options.base_url)
        options = attrs.evolve(options, journal=path)
    known = find_journal(options.journal)
    check_name(name)
    check_callback(callback)
    if save_to is not None:
        check_folder(save_to)
    prompts: list[Prompt] | LineStream[Prompt] = []
    if source is not None:
        prompts = read_prompts(source, task_type, is_json=jsonl)
    elif known is None:
        raise UsageError("nothing to submit: name a file of prompts, or - for standard input")
    if not prompts and source is not None and known is None:
        return nothing_in(source, "prompts")
    if dry_run:
        return await _dry_run(
            await _to_submit(prompts, known, options), known, options, at_once, max_cost
        )
    if isinstance(prompts, list):
        _check_cost(await _to_submit(prompts, known, options), max_cost)
    # Prompts that the journal has seen to their end give no events, so there is no total to expect.
    is_counted_anew = known is None or isinstance(prompts, LineStream)
    journal = options.journal
    earlier = None
    if journal is not None and known is not None:
        earlier = Earlier(journal, save_to, name, parallel_downloads)
    return await follow_jobs(
        Batch(
            open_stream=lambda client: client.generate(
                prompts,
                task_type=task_type,
                callback=callback,
                save_to=save_to,
                name=name,
                parallel_downloads=parallel_downloads,
                at_once=at_once,
                if_unknown="tell" if if_unknown == "tell" else "submit_again",
                max_cost=max_cost,
                **options.of_stream,
            ),
            items=prompts,
            title=f"{PROGRAM} generate",
            unfinished=Unfinished(
                planned=None if isinstance(prompts, LineStream) or source is None else len(prompts),
                journal=journal,
                resume=_resuming(source, journal, is_default=is_default),
            ),
            expected=None if is_counted_anew else lambda: 0,
            known=known,
            announcement=None if journal is None else announcement(journal, known),
            earlier=earlier,
            jobs=[] if journal is None else ["--journal", str(journal)],
            save_to=save_to,
        ),
        options,
    )


async def _to_submit(
    prompts: list[Prompt] | LineStream[Prompt], known: Standing | None, options: FollowOptions
) -> list[Prompt]:
    """The prompts that would be submitted: those that the journal, if there is one, doesn't know."""
    given = prompts if isinstance(prompts, list) else [prompt async for prompt in prompts]
    if known is None or options.journal is None:
        return given
    return from_journal(read_to_submit, options.journal, given)


def _check_cost(prompts: Sequence[Prompt], max_cost: float | None) -> None:
    points = sum(price_of(prompt).points for prompt in prompts)
    if max_cost is not None and points > max_cost:
        raise UsageError(
            f"the prompts would cost about {points:,.10g} points, more than --max-cost={max_cost:,.10g};"
            " nothing was submitted"
        )


async def _dry_run(
    prompts: Sequence[Prompt],
    known: Standing | None,
    options: FollowOptions,
    at_once: int | None,
    max_cost: float | None,
) -> Exit:
    """Print what would be submitted."""
    need_key()
    stdout = need_stdout()
    durations = learned_durations(None if known is None else options.journal)
    plan = plan_of(prompts, durations, at_once)
    balance, problem = None, None
    async with client_for(options, pacing=options.pacing, retry_for=_PATIENCE) as client:
        try:
            balance = await client.balance()
        except LegnextError as error:
            # The rest of the plan is worth showing all the same.
            problem = error
    text = as_json(plan, balance) if options.json else "\n".join(lines(plan, balance))
    await write_all(stdout.fileno(), f"{text}\n".encode())
    if problem is not None:
        raise problem
    _check_cost(prompts, max_cost)
    return Exit.COMPLETED if balance is not None and is_enough(plan, balance) else Exit.INCOMPLETE


def _resuming(
    source: str | None, journal: Path | None, *, is_default: bool
) -> Callable[[Sequence[str]], str]:
    """How the line is made that goes on with the jobs that are left."""
    if journal is None:
        # Prompts that have no job yet could not be told from those that have.
        return lambda ids: line("watch", *by_id(ids), *same_place())
    if source is None or not is_read_once(source):
        return lambda _: same_line()
    more = ["--journal", str(journal)] if is_default else []
    return lambda _: same_line_without(source, *more)
