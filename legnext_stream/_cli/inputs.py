"""What commands read: job ids, one a line; the fields of a task; journals. Prompts are in `prompts`.

A file is read and checked as a whole before the first request; standard input is read as it arrives.
What can't be read, or isn't what it should be, raises a `UsageError`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from json import dumps
from pathlib import Path
from shlex import quote
from typing import Concatenate, Generic, ParamSpec, Self, TypeVar

import attrs
import msgspec

from legnext_stream._cli.descriptors import read_some
from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.lines import Lines
from legnext_stream._cli.running import interruptible
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.task_fields import check_fields
from legnext_stream._core.results.file_names import NameTemplate
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._journal.contents import read_learned
from legnext_stream.errors import InvalidJobId, JournalError

T = TypeVar("T")
P = ParamSpec("P")

Parse = Callable[[str, str], T | None]
"""From a line, and its place for messages, to the item on it; None if there is none."""

NOT_JSON = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)
"""What decoding a text raises that is no JSON, or is nested too deeply."""

# No id or prompt is as long as this, in characters; such a line is not from a list of them.
_LONGEST_LINE = 65536
# How much of a file is read at a time, in bytes.
_PART = 1 << 20


def read(source: str, parse: Parse[T]) -> list[T] | LineStream[T]:
    """The items of a file, or a stream of those on standard input if `source` is `-`."""
    if source == "-":
        if sys.stdin is None:
            raise UsageError("can't read standard input: it is closed")
        return LineStream(sys.stdin.fileno(), parse)
    return read_file(source, parse)


def read_file(path: str, parse: Parse[T]) -> list[T]:
    """The items of a file."""
    lines = read_lines(path)
    items = (parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1))
    return [item for item in items if item is not None]


def read_lines(path: str) -> list[str]:
    """The lines of a file."""
    lines = Lines(path)
    lines.feed(_content(path), is_last=True)
    return list(iter(lines.next, None))


def _content(path: str) -> bytes:
    try:
        # A FIFO may have nothing for a long time.
        with interruptible(), Path(path).open("rb", buffering=0) as file:
            # In parts: a signal between two reads within `file.read()` would not interrupt it.
            return b"".join(iter(lambda: file.read(_PART), b""))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read {path}: {reason}") from None


@attrs.define(eq=False)
class LineStream(Generic[T]):
    """The items on an open descriptor, which messages call `name`; each as soon as its line has arrived."""

    fd: int
    _parse: Parse[T]
    name: str = "standard input"
    is_at_end: bool = False
    _lines: Lines = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lines = Lines(self.name)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next item."""
        while True:
            while (line := self._lines.next()) is not None:
                item = self._parse(line, self._lines.place)
                if item is not None:
                    return item
            if self.is_at_end:
                raise StopAsyncIteration
            await self._read()

    async def _read(self) -> None:
        try:
            read = await read_some(self.fd)
        except OSError as error:
            raise UsageError(f"can't read {self.name}: {error.strerror}") from None
        self.is_at_end = not read
        self._lines.feed(read, is_last=self.is_at_end)
        if len(self._lines.begun) > _LONGEST_LINE:
            raise UsageError(f"{self.name}: a line of more than {_LONGEST_LINE:,} characters")


def expected_of(items: Sequence[T] | LineStream[T]) -> Callable[[], int | None]:
    """How many items there are in all, asked at any time: None while more may arrive on a stream.

    At the end of a stream it is 0: those that came have been counted by then.
    """
    if isinstance(items, LineStream):
        return lambda: 0 if items.is_at_end else None
    return lambda: len(items)


def parse_id(line: str, where: str) -> str | None:
    """The job id on a line, or None if it is blank. A `#` begins a comment."""
    item = line.partition("#")[0].strip()
    return check_id(item, where) if item else None


def check_id(item: str, where: str) -> str:
    """Return `item` if it can be a job id. If not, the error names the place and the item."""
    try:
        return check_job_id(item)
    except InvalidJobId as error:
        raise UsageError(f"{where}: {error}") from None


def check_name(template: str) -> NameTemplate:
    """A template for file names; a `UsageError` if it can't be one."""
    try:
        return NameTemplate(template)
    except ValueError as error:
        raise UsageError(f"--name: {error}") from None


def check_callback(callback: str | None) -> None:
    """Check the URL of a callback; a `UsageError` if it is none."""
    try:
        check_fields("", {"callback": callback})
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    check_sendable({"callback": callback}, "--")


def read_fields(texts: Sequence[str], *, takes_text: bool = False) -> dict[str, object]:
    """A task's fields, from `NAME=VALUE` on a command line.

    A value may be JSON (`imageNo=0`, `imgUrls=["https://…"]`, `jobId="7"`); anything else is taken
    as text. `@FILE` stands for the content of a file, which `mask` takes. What has no name may be
    meant as the prompt's text, if the task takes one.
    """
    unnamed = [text for text in texts if "=" not in text or not text.split("=")[0].isidentifier()]
    if unnamed:
        hint = f"; did you mean --text {quote(' '.join(unnamed))}?" if takes_text else ""
        raise UsageError(f"{unnamed[0]!r} is not of the form NAME=VALUE{hint}")
    fields: dict[str, object] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name in fields:
            raise UsageError(f"{name} is given twice")
        fields[name] = _content(value[1:]) if value.startswith("@") else _value(value)
    return fields


def _value(text: str) -> object:
    try:
        value: object = msgspec.json.decode(text)
    except NOT_JSON:
        return text
    return value


def check_sendable(fields: Mapping[str, object], where: str = "") -> None:
    """Check that a task's fields can be sent; a `UsageError` says which can't, and why."""
    for name, value in fields.items():
        if isinstance(value, bytes):
            if name != "mask":
                raise UsageError(f"{where}{name} can't be a file: only mask takes @FILE")
            continue
        try:
            dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}{name} can't be sent: {error}") from None


def from_journal(
    read: Callable[Concatenate[Path, P], T], path: Path, *args: P.args, **kwargs: P.kwargs
) -> T:
    """What `read` finds in a journal. That there is none, or that it can't be read, is wrong usage."""
    try:
        return read(path, *args, **kwargs)
    except JournalError as error:
        raise UsageError(str(error)) from None


def learned_durations(journal: Path | None) -> Durations:
    """The run times that a journal has learned, or the published ones if it has none."""
    durations = Durations()
    state = None if journal is None else from_journal(read_learned, journal, "durations")
    if state is not None:
        # A state of another version, or one edited by hand, is as good as none.
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            durations.remember(state)
    return durations
