"""`legnext-stream generate`: submit prompts, follow their jobs, save the results."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from legnext_stream._cli.commands.watch import find_journal
from legnext_stream._cli.exits import PROGRAM, Exit, UsageError
from legnext_stream._cli.following import follow_jobs
from legnext_stream._cli.inputs import LineStream, check_name
from legnext_stream._cli.options import Count, Flag, FollowOptions, Source
from legnext_stream._cli.prompts import read_prompts
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.results.file_names import DEFAULT_NAME
from legnext_stream._results import check_folder


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
    options: FollowOptions = FollowOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Submit prompts, follow their jobs, and save the results.

    Jobs are submitted as fast as the account's slots and limits allow, and followed meanwhile. On a
    terminal it shows a live display; in a pipe it writes one JSON object a line for each change. At
    the end it prints a summary on standard error.

    With --journal it can be interrupted at any time: run the same command line again to resume. No
    prompt is submitted twice or left out, and complete files are kept.

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
        options: What the commands that follow jobs have in common.
    """
    known = find_journal(options.journal)
    check_name(name)
    if save_to is not None:
        check_folder(save_to)
    prompts: list[Prompt] | LineStream[Prompt] = []
    if source is not None:
        prompts = read_prompts(source, task_type, is_json=jsonl)
    elif known is None:
        raise UsageError("nothing to submit: name a file of prompts, or - for standard input")
    # Prompts that the journal has seen to their end give no events, so there is no total to expect.
    is_counted_anew = known is None or isinstance(prompts, LineStream)
    return await follow_jobs(
        lambda client: client.generate(
            prompts,
            task_type=task_type,
            callback=callback,
            save_to=save_to,
            name=name,
            parallel_downloads=parallel_downloads,
            at_once=at_once,
            if_unknown="tell" if if_unknown == "tell" else "submit_again",
            **options.of_stream,
        ),
        prompts,
        options,
        title=f"{PROGRAM} generate",
        expected=None if is_counted_anew else lambda: 0,
        ended_before=() if known is None else {*known.ended.values(), *known.without_job},
    )
