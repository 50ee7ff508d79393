"""Reading prompts, from text and from JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from legnext_stream import TaskType
from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.inputs import LineStream
from legnext_stream._cli.prompts import prompt_parser, read_prompts
from legnext_stream._core.model.prompts import Prompt

_TEXT = prompt_parser(TaskType.DIFFUSION, is_json=False)
_JSON = prompt_parser(TaskType.DIFFUSION, is_json=True)


def _read(path: Path, content: bytes, *, is_json: bool = False) -> list[Prompt]:
    path.write_bytes(content)
    prompts = read_prompts(str(path), TaskType.DIFFUSION, is_json=is_json)
    assert isinstance(prompts, list)
    return prompts


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ("a fox", Prompt("a fox")),
        ("  a fox, #ff0000 --ar 2:3 ", Prompt("a fox, #ff0000 --ar 2:3")),
        ("{red, blue} fox", Prompt("{red, blue} fox")),
        ("[a fox]", Prompt("[a fox]")),
        ('"a fox"', Prompt('"a fox"')),
        ("1984", Prompt("1984")),
        ("{\udcff}", None),
        ("# later", None),
        ("  \t", None),
    ],
)
def test_a_line_is_a_prompt_a_comment_or_blank(line: str, prompt: Prompt | None) -> None:
    """A # in the middle of a line is part of the prompt, and so are brackets that aren't JSON."""
    if "\udcff" in line:
        with pytest.raises(UsageError, match="can't be encoded"):
            _TEXT(line, "here:1")
    else:
        assert _TEXT(line, "here:1") == prompt


@pytest.mark.parametrize(
    "line", ['{"text": "a fox"}', '{"text": "a fox",}', "{}", '["a fox"]', "[", " { "]
)
def test_json_is_never_a_text(line: str) -> None:
    """Each prompt costs money, so JSON in a file of texts is a mistake."""
    with pytest.raises(UsageError, match=r"here:1: this is JSON, not a text; .* --jsonl"):
        _TEXT(line, "here:1")


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        ('{"text": "a fox"}', Prompt("a fox")),
        ('{"text": "a fox", "tag": {"page": 3}} ', Prompt("a fox", tag={"page": 3})),
        (
            '{"task_type": "upscale", "params": {"jobId": "a", "imageNo": 0, "type": 1}}',
            Prompt("", task_type="upscale", params={"jobId": "a", "imageNo": 0, "type": 1}),
        ),
        ("  ", None),
    ],
)
def test_a_line_of_json_says_more(line: str, prompt: Prompt | None) -> None:
    """A JSON line may have a tag, a task type and its fields."""
    assert _JSON(line, "here:1") == prompt


def test_the_default_task_type() -> None:
    """Prompts without a task type get the command's."""
    prompt = prompt_parser(TaskType.SHORTEN, is_json=False)("a long tale", "here:1")
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
        ("p.jsonl", b'{"params": {"x": ' + b"[" * 5000, r"p\.jsonl:1: maximum recursion"),
        ("p.json", b'["a", 7]', r"p\.json: .*\[1\]"),
        ("p.jsonl", b'{"tag": 1}', r"p\.jsonl:1: diffusion needs a text"),
        ("p.json", b'[""]', r"p\.json, item 1: diffusion needs a text"),
        ("p.json", b'["a", {"task_type": "paint"}]', r"p\.json, item 2: .*paint"),
        ("p.json", b'{\n"prompts": ["a"]}', r"p\.json:1: "),
        ("p.csv", b"prompt,style\na fox,raw", r"p\.csv: a \.csv file is not read"),
        ("p.YAML", b"- a fox", r"p\.YAML: a \.yaml file is not read"),
        ("p.png", b"\x89PNG\r\n", r"p\.png:1: byte 1 of the line \(0x89\) is not UTF-8"),
    ],
)
def test_a_bad_prompt_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """The message has the file, the line and what is wrong."""
    with pytest.raises(UsageError, match=message):
        _read(tmp_path / name, content)


@pytest.mark.parametrize("name", ["p.jsonl", "P.JSONL", "p.ndjson", "p.jsonlines", "p.json"])
def test_json_lines_by_the_name_of_the_file(tmp_path: Path, name: str) -> None:
    """In any case; a .json file may have JSON lines, too."""
    content = b'{"text": "a red fox"}\r\n\r\n{"text": "a blue fox"}\r\n'
    assert _read(tmp_path / name, content) == [Prompt("a red fox"), Prompt("a blue fox")]


def test_a_json_file_has_an_array(tmp_path: Path) -> None:
    """Its items are texts or objects."""
    content = json.dumps(["a fox", {"text": "a tale", "task_type": "shorten"}], indent=2).encode()
    assert _read(tmp_path / "p.json", content) == [
        Prompt("a fox"),
        Prompt("a tale", task_type="shorten"),
    ]


def test_json_lines_in_any_file_if_the_option_says_so(tmp_path: Path) -> None:
    """The option wins over the name."""
    for name in ("p.txt", "p.csv", "p.json"):
        assert _read(tmp_path / name, b'{"text": "a fox"}', is_json=True) == [Prompt("a fox")]


def test_equal_prompts_are_several(tmp_path: Path) -> None:
    """Each of several equal prompts of a file counts."""
    assert _read(tmp_path / "p.txt", b"# two\na fox\n\na fox\n") == [Prompt("a fox")] * 2


async def test_prompts_are_returned_as_their_lines_arrive() -> None:
    """A prompt is returned once its line is complete."""
    reading, writing = os.pipe()
    prompts = LineStream(reading, _TEXT)
    os.write(writing, b"a fox\nan or")
    assert await anext(prompts) == Prompt("a fox")
    assert not prompts.is_at_end
    os.write(writing, b"chard")
    os.close(writing)
    assert [prompt.text async for prompt in prompts] == ["an orchard"]
    os.close(reading)
