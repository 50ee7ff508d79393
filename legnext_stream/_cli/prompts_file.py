"""Where prompts come from: one a line, or a JSON object a line.

In a text file a line is a prompt as it stands; lines that begin with a `#` are comments, and blank
ones are let pass. In JSON lines an object has `text`, and may have `tag` (the caller's own, which
comes back with each event), `task_type` and `params`, the task's further fields.
"""

from __future__ import annotations

from functools import partial

import msgspec

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.lines_in import LineStream, Parse, items_of, text_of
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType

# The longest prompt that the API takes, characters.
_LONGEST = 8_192


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    """What a JSON line may say."""

    text: str = ""
    tag: object = None
    task_type: str | None = None
    params: dict[str, object] = {}


_decode = msgspec.json.Decoder(_Line).decode


def parse_text(line: bytes, where: str, *, task_type: TaskType) -> Prompt | None:
    """The prompt on a line of text, or None if there is none.

    Raises:
        UsageError: It is too long, or its task takes no text; the message names the place.
    """
    text = text_of(line).strip()
    if not text or text.startswith("#"):
        return None
    return _checked(_Line(text=text), where, task_type)


def parse_json(line: bytes, where: str, *, task_type: TaskType) -> Prompt | None:
    """The prompt on a line of JSON, or None if the line is blank.

    Raises:
        UsageError: It is no such object; the message names the place, and what is wrong.
    """
    line = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not line:
        return None
    try:
        said = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{where}: {error}") from None
    return _checked(said, where, task_type)


def _checked(said: _Line, where: str, task_type: TaskType) -> Prompt:
    if len(said.text) > _LONGEST:
        raise UsageError(f"{where}: a prompt has at most {_LONGEST:,} characters")
    try:
        return Prompt(
            said.text,
            tag=said.tag,
            task_type=said.task_type or task_type,
            params=said.params,
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where}: {error}") from None


def parser(task_type: TaskType, *, is_json: bool) -> Parse[Prompt]:
    """What reads a line.

    Args:
        task_type: The kind of work of prompts that don't say it.
        is_json: Whether the lines are JSON.
    """
    return partial(parse_json if is_json else parse_text, task_type=task_type)


def read_prompts(path: str, parse: Parse[Prompt]) -> list[Prompt]:
    """All prompts of a file, each of them checked, so that nothing begins before the last is read.

    Raises:
        UsageError: The file can't be read, or has a line that is no prompt.
    """
    return list(items_of(path, parse))


def prompt_stream(fd: int, parse: Parse[Prompt]) -> LineStream[Prompt]:
    """The prompts on standard input, each as soon as its line is there."""
    return LineStream(fd, "standard input", parse)
