"""`legnext-stream submit`: one job, and its id."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from json import dumps
from typing import Annotated

from cyclopts import Parameter

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit, UsageError
from legnext_stream._cli.fields import read_fields
from legnext_stream._cli.options import BaseUrl, Json
from legnext_stream._cli.running import EXPECTED, need_key, need_stdout, run_to_exit, told
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.prompts import Prompt, fields_of
from legnext_stream._core.model.tasks import TaskType


def submit(
    task_type: Annotated[TaskType, Parameter(name="TASK")],
    /,
    *fields: Annotated[str, Parameter(name="NAME=VALUE")],
    text: str = "",
    callback: str | None = None,
    json: Json = False,
    base_url: BaseUrl = None,
) -> int:
    """Submit one job, and print its id.

    If the request was sent and no answer came, the job may exist all the same: it is said so, and
    nothing is submitted again by itself.

    Args:
        task_type: The kind of work.
        fields: The task's fields, under the API's names (imageNo=0) or in snake_case (image_no=0). A
            value may be JSON; @FILE stands for what a file holds, as mask takes it.
        text: The prompt, for tasks that take one.
        callback: A URL that the API is to call when the job ends.
        json: Write one line of JSON.
        base_url: Where the API is.
    """
    try:
        params = read_fields(fields)
        try:
            prompt = Prompt(text, task_type=task_type, params=params)
        except (ValueError, TypeError) as error:
            raise UsageError(str(error)) from None
    except EXPECTED as error:
        return told(error)
    sent = {**fields_of(prompt), "callback": callback}
    return run_to_exit(partial(run_submit, task_type, sent, wants_json=json, base_url=base_url))


async def run_submit(
    task_type: TaskType, fields: Mapping[str, object], *, wants_json: bool, base_url: str | None
) -> Exit:
    """Submit.

    Raises:
        UsageError: The environment or the streams of this process can't be used.
        LegnextError: The API refused it, or there was no answer.
        OutputError: The id can't be written.
    """
    need_key()
    stdout = need_stdout()
    async with LegnextClient(base_url=base_url) as client:
        job = await client.submit(task_type, **fields)
    line = job.job_id
    if wants_json:
        line = dumps({"job_id": job.job_id, "status": job.status, "task_type": job.task_type})
    await write_all(stdout.fileno(), f"{line}\n".encode())
    return Exit.COMPLETED
