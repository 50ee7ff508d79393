"""Reading prompts from files and streams."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from legnext_stream import TaskType
from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.prompts_file import parser, prompt_stream, read_prompts
from legnext_stream._core.model.prompts import Prompt

_TEXT = parser(TaskType.DIFFUSION, is_json=False)
_JSON = parser(TaskType.DIFFUSION, is_json=True)


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (b"a fox", Prompt("a fox")),
        (b"  a fox, #ff0000 --ar 2:3 \r", Prompt("a fox, #ff0000 --ar 2:3")),
        ("\ufeffein Föhn".encode(), Prompt("ein Föhn")),
        (b"# later", None),
        (b"  \t", None),
    ],
)
def test_a_line_is_a_prompt_a_comment_or_blank(line: bytes, prompt: Prompt | None) -> None:
    """As it stands: a # within it is part of it."""
    assert _TEXT(line, "here:1") == prompt


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (b'{"text": "a fox"}', Prompt("a fox")),
        (b'{"text": "a fox", "tag": {"page": 3}}\r', Prompt("a fox", tag={"page": 3})),
        (
            b'{"task_type": "upscale", "params": {"jobId": "a", "imageNo": 0, "type": 1}}',
            Prompt("", task_type="upscale", params={"jobId": "a", "imageNo": 0, "type": 1}),
        ),
        (b"\xef\xbb\xbf  ", None),
    ],
)
def test_a_line_of_json_says_more(line: bytes, prompt: Prompt | None) -> None:
    """A tag, a task type and its fields."""
    assert _JSON(line, "here:1") == prompt


def test_the_task_type_of_those_that_dont_say_it() -> None:
    """It is the command's."""
    prompt = parser(TaskType.SHORTEN, is_json=False)(b"a long tale", "here:1")
    assert prompt is not None
    assert prompt.task_type is TaskType.SHORTEN


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.txt", b"a\n" + b"x" * 8193, r"p\.txt:2: a prompt has at most 8,192 characters"),
        ("p.jsonl", b'{"text": "a"}\n{"txt": "b"}', r"p\.jsonl:2: .*txt"),
        ("p.jsonl", b'{"text": 7}', r"p\.jsonl:1: "),
        ("p.jsonl", b"a fox", r"p\.jsonl:1: "),
        ("p.jsonl", b'{"text": "\xff"}', r"p\.jsonl:1: "),
        ("p.jsonl", b'{"text": "a", "task_type": "paint"}', r"p\.jsonl:1: .*paint"),
        ("p.jsonl", b'{"text": "a", "params": {"text": "b"}}', r"p\.jsonl:1: .*twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """The message has the file, the line and what is wrong."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_prompts(str(path), _JSON if name.endswith("jsonl") else _TEXT)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """All prompts, in its order, as often as they stand there."""
    path = tmp_path / "prompts.txt"
    path.write_text("# two\na fox\n\na fox\n")
    assert read_prompts(str(path), _TEXT) == [Prompt("a fox"), Prompt("a fox")]


async def test_prompts_come_as_their_lines_arrive() -> None:
    """A prompt is there once its line is whole."""
    reading, writing = os.pipe()
    prompts = prompt_stream(reading, _TEXT)
    os.write(writing, b"a fox\nan or")
    assert await anext(prompts) == Prompt("a fox")
    assert not prompts.is_at_end
    os.write(writing, b"chard")
    os.close(writing)
    assert [prompt.text async for prompt in prompts] == ["an orchard"]
    os.close(reading)
