"""`legnext-stream submit`: submit one job."""

from __future__ import annotations

from json import dumps
from typing import Annotated

from cyclopts import Parameter

from legnext_stream._cli.descriptors import write_all
from legnext_stream._cli.exits import Exit, UsageError
from legnext_stream._cli.inputs import check_callback, check_sendable, read_fields
from legnext_stream._cli.notices import client_for
from legnext_stream._cli.options import ApiOptions
from legnext_stream._cli.prompts import lacks_text
from legnext_stream._cli.running import need_key, need_stdout
from legnext_stream._core.model.prompts import Prompt, fields_of
from legnext_stream._core.model.tasks import TaskType


async def submit(
    task_type: Annotated[TaskType, Parameter(name="TASK")],
    /,
    *fields: Annotated[str, Parameter(name="NAME=VALUE")],
    text: str = "",
    callback: str | None = None,
    options: ApiOptions = ApiOptions(),  # noqa: B008 - frozen
) -> Exit:
    """Submit one job, and print its id.

    If the request was sent but got no answer, the job may exist. The message says so, and nothing is
    submitted a second time.

    Args:
        task_type: The task.
        fields: The task's fields, under the API's names (imageNo=0) or in snake_case (image_no=0). A
            value may be JSON; @FILE stands for the content of a file, which mask takes.
        text: The prompt, for tasks that take one.
        callback: A URL that the API calls when the job ends.
        options: What the commands that call the API have in common.
    """
    try:
        takes_text = task_type.text_field is not None and not text
        params = read_fields(fields, takes_text=takes_text)
        prompt = Prompt(text, task_type=task_type, params=params)
        given = fields_of(prompt)
    except (ValueError, TypeError) as error:
        raise UsageError(str(error)) from None
    if lacks_text(prompt):
        raise UsageError(f"{task_type} needs a text: add --text")
    if callback is not None:
        if "callback" in given:
            raise UsageError("callback is given twice")
        given["callback"] = callback
    for name in {"self", "task_type"} & given.keys():
        raise UsageError(f"no task has a field {name}")
    check_callback(callback)
    check_sendable(given)
    need_key()
    stdout = need_stdout()
    async with client_for(options) as client:
        job = await client.submit(task_type, **given)
    line = job.job_id
    if options.json:
        line = dumps({"job_id": job.job_id, "status": job.status, "task_type": job.task_type})
    await write_all(stdout.fileno(), f"{line}\n".encode())
    return Exit.COMPLETED
