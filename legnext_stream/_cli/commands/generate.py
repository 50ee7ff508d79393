"""`legnext-stream generate`: from a list of prompts to results, and to files on disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TextIO

import attrs
import trio
from cyclopts import Parameter
from cyclopts.validators import Number

from legnext_stream._cli.commands.watch import find_journal
from legnext_stream._cli.displays import choose_outputs, display_for
from legnext_stream._cli.exits import Exit, UsageError, printable
from legnext_stream._cli.lines_in import LineStream
from legnext_stream._cli.options import BaseUrl, Json, PacingOptions, Report, Source, Timeout
from legnext_stream._cli.progress import Progress
from legnext_stream._cli.prompts_file import parser, prompt_stream, read_prompts
from legnext_stream._cli.report_file import report_file
from legnext_stream._cli.running import need_key, need_stdout, run_to_exit
from legnext_stream._cli.watching import follow, json_lines
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._engine.stream import EventStream

_NAME = "{job_id}-{number}{suffix}"

IfUnknown = Literal["tell", "submit-again"]


@attrs.frozen(kw_only=True)
class GenerateSettings:
    """What was asked for on the command line.

    Attributes:
        source: A file of prompts, `-` for standard input, or None.
        is_json: Whether the prompts come as JSON lines.
        task_type: The kind of work of prompts that don't say it.
        save_to: The folder for the results, or None.
        name: How their files are called.
        parallel_downloads: How many are fetched at once.
        at_once: The most unfinished jobs at a time, or None.
        if_unknown: What to do about a submit to which no answer came.
        callback: A URL that the API calls when a job ends, or None.
        wants_json: Whether events are to be told in JSON on a terminal too.
        base_url: Where the API is, or None for the default.
        timeout: See `legnext_stream.watch`.
        pacing: When and how fast to ask.
        journal: The file of the journal, or None.
        report: The file of the report, or None.
    """

    source: str | None
    is_json: bool
    task_type: TaskType
    save_to: Path | None
    name: str
    parallel_downloads: int
    at_once: int | None
    if_unknown: IfUnknown
    callback: str | None
    wants_json: bool
    base_url: str | None
    timeout: float | None
    pacing: Pacing
    journal: Path | None
    report: Path | None


def generate(
    source: Source = None,
    /,
    *,
    save_to: Path | None = None,
    journal: Path | None = None,
    report: Report = None,
    task_type: TaskType = TaskType.DIFFUSION,
    jsonl: Json = False,
    name: str = _NAME,
    parallel_downloads: Annotated[int, Parameter(validator=Number(gte=1))] = 4,
    at_once: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    if_unknown: IfUnknown = "tell",
    callback: str | None = None,
    json: Json = False,
    base_url: BaseUrl = None,
    timeout: Timeout = 600.0,
    pacing: PacingOptions = Pacing(),  # noqa: B008 - frozen
) -> int:
    """Submit prompts, follow their jobs, and save the results.

    Jobs are submitted as the account's slots and limits allow, and followed meanwhile. On a terminal
    it shows a live display; in a pipe it writes one JSON object a line for each change. At the end
    it sums up on standard error.

    With --journal a restart by the same line goes on: no prompt is submitted twice, none is left
    out, and files that are whole are kept.

    Args:
        source: A file of prompts, one a line; - for standard input, which is read as it arrives.
            Blank lines and those that begin with a # are let pass. A file whose name ends in .jsonl
            has a JSON object a line: "text", and if you like "tag", "task_type" and "params". A file
            is checked whole before the first request.
        save_to: A folder for the images and videos; it is made if it isn't there. Nothing in it is
            ever overwritten.
        journal: A file in which to keep what was submitted and told, so that a restart can go on;
            FILE may be left out then.
        report: A file for a page about the batch, written at the end, also by Ctrl-C or an error.
        task_type: The kind of work of prompts that don't say it themselves.
        jsonl: The prompts are JSON lines, also on standard input or in a file of another name.
        name: How files are called: {job_id}, {number}, {suffix}, {task_type}, {tag}, {position} and
            {prompt} stand for what they say.
        parallel_downloads: How many files are fetched at once.
        at_once: The most unfinished jobs at a time; by default what the account allows.
        if_unknown: What to do if a submit was sent and no answer came: tell, for the job may exist;
            or submit-again, which may make a second one.
        callback: A URL that the API is to call when a job ends.
        json: Write JSON lines on a terminal too.
        base_url: Where the API is.
        timeout: How long a job may run, and how long no job at all may change, in seconds. 0 or
            none for never.
        pacing: When and how fast to ask.
    """
    settings = GenerateSettings(
        source=source,
        is_json=jsonl or (source or "").endswith(".jsonl"),
        task_type=task_type,
        save_to=save_to,
        name=name,
        parallel_downloads=parallel_downloads,
        at_once=at_once,
        if_unknown=if_unknown,
        callback=callback,
        wants_json=json,
        base_url=base_url,
        timeout=timeout,
        pacing=pacing,
        journal=journal,
        report=report,
    )
    return run_to_exit(partial(run_generate, settings))


def find_prompts(
    settings: GenerateSettings, stdin: TextIO | None
) -> Sequence[Prompt] | LineStream[Prompt]:
    """The prompts; those of a file are checked here, all of them.

    Raises:
        UsageError: There are none to be had, or one can't be a prompt.
    """
    if settings.source is None:
        if settings.journal is None or not settings.journal.exists():
            raise UsageError("nothing to submit: name a file of prompts, or - for standard input")
        return []
    parse = parser(settings.task_type, is_json=settings.is_json)
    if settings.source != "-":
        return read_prompts(settings.source, parse)
    if stdin is None:
        raise UsageError("can't read standard input: it is closed")
    return prompt_stream(stdin.fileno(), parse)


def _expected(prompts: Sequence[Prompt] | LineStream[Prompt], *, is_resumed: bool) -> int | None:
    """How many prompts there are in all; None while more may come."""
    if isinstance(prompts, LineStream):
        return 0 if prompts.is_at_end else None
    # Of those that the journal has seen to the end nothing more will be told.
    return 0 if is_resumed else len(prompts)


def _opened(
    client: LegnextClient,
    settings: GenerateSettings,
    prompts: Sequence[Prompt] | LineStream[Prompt],
) -> EventStream:
    try:
        return client.generate(
            prompts,
            task_type=settings.task_type,
            callback=settings.callback,
            timeout=settings.timeout,
            journal=settings.journal,
            save_to=settings.save_to,
            name=settings.name,
            parallel_downloads=settings.parallel_downloads,
            at_once=settings.at_once,
            if_unknown="tell" if settings.if_unknown == "tell" else "submit_again",
        )
    except ValueError as error:
        # The template of the names, or a prompt that its task can't take.
        raise UsageError(str(error)) from None


async def run_generate(settings: GenerateSettings) -> Exit:
    """Submit, follow and save to the end.

    Raises:
        UsageError: The prompts, the environment or the streams of this process can't be used.
        LegnextError: What ended the batch as a whole, or its report can't be written.
        OutputError: The events can't be written.
    """
    need_key()
    stdout = need_stdout()
    known = find_journal(settings.journal)
    prompts = find_prompts(settings, sys.stdin)
    outputs = choose_outputs(wants_json=settings.wants_json, stdout=stdout, stderr=sys.stderr)
    is_typed = isinstance(prompts, LineStream) and os.isatty(prompts.fd)
    async with LegnextClient(base_url=settings.base_url, pacing=settings.pacing) as client:
        title = f"legnext-stream generate · {printable(client.base_url)}"
        report = report_file(settings.report, title)
        expected = partial(_expected, prompts, is_resumed=known is not None)
        progress = Progress(title, trio.current_time(), expected)
        async with _opened(client, settings, prompts) as events:
            await follow(
                events,
                progress,
                display_for(outputs.display_on, is_typed_on=is_typed),
                tell=None if outputs.events_to is None else json_lines(outputs.events_to),
                report=report,
            )
    before = set() if known is None else {*known.ended.values(), *known.without_job}
    is_good = progress.all_completed and before <= {JobStatus.COMPLETED}
    return Exit.COMPLETED if is_good else Exit.INCOMPLETE
