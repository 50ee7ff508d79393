"""What `generate` and `simulate` read: prompts, as lines of text or as JSON.

The name of a file says which. JSON is never taken for text, because each prompt costs money.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.inputs import (
    NOT_JSON,
    LineStream,
    Parse,
    check_sendable,
    read,
    read_file,
    read_lines,
)
from legnext_stream._core.model.prompts import Prompt, fields_of
from legnext_stream._core.model.tasks import TaskType

# The longest prompt that the API takes, in characters.
_LONGEST: Final = 8_192
_JSON_LINES: Final = frozenset({".jsonl", ".ndjson", ".jsonlines"})
# Text, but not one prompt a line.
_NOT_PROMPTS: Final = frozenset({".csv", ".tsv", ".yaml", ".yml", ".toml", ".xml", ".html", ".rtf"})

# Without one, the API refuses each of them, and counts that against the account.
_NEED_TEXT: Final = frozenset(
    {
        *(TaskType.DIFFUSION, TaskType.SHORTEN, TaskType.REMIX),
        *(TaskType.EDIT, TaskType.UPLOAD_PAINT, TaskType.RETEXTURE),
    }
)


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt as JSON. `tag` is the caller's own and comes back with each event."""

    text: str = ""
    tag: object = None
    task_type: str | None = None
    params: dict[str, object] = {}


_decode = msgspec.json.Decoder(_Given).decode
_decode_array = msgspec.json.Decoder(list[str | _Given]).decode


def read_prompts(
    source: str, task_type: TaskType, *, is_json: bool
) -> list[Prompt] | LineStream[Prompt]:
    """The prompts of a file, or a stream of those on standard input if `source` is `-`.

    They are JSON lines if the name of the file or `is_json` says so. A `.json` file has an array of
    texts or objects, or JSON lines. Prompts that name no task are for `task_type`.

    Raises:
        UsageError: They can't be read, or one of them is no prompt.
    """
    if source == "-":
        return read(source, prompt_parser(task_type, is_json=is_json))
    return read_prompt_file(source, task_type, is_json=is_json)


def read_prompt_file(path: str, task_type: TaskType, *, is_json: bool = False) -> list[Prompt]:
    """The prompts of a file; see `read_prompts`."""
    suffix = Path(path).suffix.lower()
    if suffix == ".json" and not is_json:
        text = "\n".join(read_lines(path)).strip()
        if text.startswith("["):
            return _read_array(text, path, task_type)
    elif suffix in _NOT_PROMPTS and not is_json:
        raise UsageError(
            f"{path}: a {suffix} file is not read; write a text file with a prompt a line, or JSON lines (.jsonl)"
        )
    is_json = is_json or suffix == ".json" or suffix in _JSON_LINES
    return read_file(path, prompt_parser(task_type, is_json=is_json))


def _read_array(text: str, path: str, task_type: TaskType) -> list[Prompt]:
    try:
        given = _decode_array(text)
    except NOT_JSON as error:
        raise UsageError(f"{path}: {error}") from None
    return [
        _as_prompt(
            _Given(text=each) if isinstance(each, str) else each,
            f"{path}, item {number}",
            task_type,
        )
        for number, each in enumerate(given, 1)
    ]


def prompt_parser(task_type: TaskType, *, is_json: bool) -> Parse[Prompt]:
    """A function that reads the prompt on a line.

    In plain text the whole line is the prompt; lines that begin with a `#` are comments. A line of
    JSON may name another task than `task_type`.
    """
    return partial(_parse_json if is_json else _parse_text, task_type=task_type)


def _parse_json(line: str, where: str, *, task_type: TaskType) -> Prompt | None:
    line = line.strip()
    if not line:
        return None
    try:
        given = _decode(line)
    except NOT_JSON as error:
        raise UsageError(f"{where}: {error}") from None
    return _as_prompt(given, where, task_type)


def _parse_text(line: str, where: str, *, task_type: TaskType) -> Prompt | None:
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if _is_json(text):
        raise UsageError(f"{where}: this is JSON, not a text; for JSON lines, add --jsonl")
    return _as_prompt(_Given(text=text), where, task_type)


def _is_json(text: str) -> bool:
    """Whether a line is an object or array of JSON, the first line of one, or meant to be an object."""
    if text[0] not in "{[":
        return False
    if text.startswith('{"'):
        return True
    try:
        msgspec.json.decode(text)
    except NOT_JSON:
        return len(text) == 1
    return True


def lacks_text(prompt: Prompt) -> bool:
    """Whether a prompt has no text, but its task needs one."""
    task_type = TaskType(prompt.task_type)
    return task_type in _NEED_TEXT and task_type.text_field not in fields_of(prompt)


def _as_prompt(given: _Given, where: str, task_type: TaskType) -> Prompt:
    if len(given.text) > _LONGEST:
        raise UsageError(f"{where}: a prompt has at most {_LONGEST:,} characters")
    try:
        prompt = Prompt(
            given.text, tag=given.tag, task_type=given.task_type or task_type, params=given.params
        )
    except (ValueError, TypeError) as error:
        raise UsageError(f"{where}: {error}") from None
    if lacks_text(prompt):
        raise UsageError(f"{where}: {prompt.task_type} needs a text")
    check_sendable(given.params, f"{where}: ")
    return prompt
