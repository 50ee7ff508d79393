"""What a batch has made, job by job: the list that people see at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import attrs
from rich.console import Console
from rich.style import Style
from rich.text import Text

from legnext_stream._cli.words import counted, label, printable
from legnext_stream._core.model.events import JobEvent
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.results.urls import results_of

# How many lines are kept; the JSON lines, the journal and the folder have everything.
_MOST_LINES = 200
# Wider than any line, for what is not a terminal.
_UNBOUNDED = 100_000


@attrs.frozen
class _Made:
    job_id: str
    position: int
    label: str
    places: tuple[str, ...]
    are_files: bool

    @property
    def title(self) -> str:
        """The line about the job. It names the first of its files, which are together."""
        if not self.are_files:
            return f"  {self.job_id}  {self.label}".rstrip()
        first, *others = self.places
        name = first if self.job_id in first else f"{self.job_id}  {first}"
        more = f" + {len(others):,} more" if others else ""
        return f"  {name}{more}  {self.label}".rstrip()

    @property
    def others(self) -> tuple[str, ...]:
        """What has lines of its own."""
        return () if self.are_files else self.places


class Results:
    """Gathers where the results of completed jobs are: in which files, or at which URLs."""

    def __init__(self) -> None:
        self._made: list[_Made] = []
        self._lines = 0
        self._left_out = 0
        # Whether some results are only at their URLs.
        self.are_unsaved: bool = False

    def note(self, event: JobEvent) -> None:
        """Take in an event."""
        if event.status is not JobStatus.COMPLETED:
            return
        self.are_unsaved |= not event.files and bool(results_of(event.job))
        if self._lines >= _MOST_LINES:
            self._left_out += 1
            return
        made = _Made(
            event.job_id,
            event.position or 0,
            label(event.prompt),
            places_of(event),
            bool(event.files),
        )
        self._made.append(made)
        self._lines += 1 + len(made.others)

    def lines(self, width: int) -> Iterator[Text]:
        """The list, a line each that fits this many columns; by position, as far as jobs have one."""
        if not self._made:
            return
        yield Text("Made:", style="bold")
        for made in sorted(self._made, key=lambda made: made.position):
            yield _fitting(printable(made.title), width)
            for place in made.others:
                text = _fitting(f"    {printable(place)}", width)
                if text.plain.endswith("…") and place.startswith(("https://", "http://")):
                    # What can't be read to its end can still be clicked.
                    text.stylize(Style(link=place), 4)
                yield text
        if self._left_out:
            yield Text(f"  and {counted(self._left_out, 'more job')}")

    def show(self, console: Console) -> None:
        """Print the list so that it fits the terminal, if that is still there."""
        width = console.width if console.is_terminal else _UNBOUNDED
        with contextlib.suppress(OSError):
            for text in self.lines(width):
                # Not every terminal has all characters.
                text.plain = text.plain.encode(console.encoding, "replace").decode(console.encoding)
                console.print(text, soft_wrap=True, highlight=False)


def _fitting(line: str, width: int) -> Text:
    text = Text(line)
    text.truncate(width, overflow="ellipsis")
    return text


def places_of(event: JobEvent) -> tuple[str, ...]:
    """Where the results of a completed job are; or the results themselves, if they are texts."""
    if event.files:
        return tuple(str(file.path) for file in event.files)
    texts = (text for texts in event.job.output.texts.values() for text in texts)
    return results_of(event.job) or tuple(texts)
