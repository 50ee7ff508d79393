"""Fuzz everything that reads input from the network; only our own exceptions may come out.

    python -m tests.hostile.fuzz --inputs 1000000

Each answer is decoded and given to a tracker. The events it causes are written as JSON lines and as
journal entries, and read again. Times, ids and rate-limit headers go to their parsers. The first input
that fails is printed so that it can be pasted into a test. `--page docs/reliability.md` writes the
figures to that page.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from legnext_stream._cli.events_json import event_line
from legnext_stream._core.answers import Reply, read_poll
from legnext_stream._core.model.decoding import decode_job, decode_time
from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.pace import Pacer
from legnext_stream._core.pace.hints import parse_hints, parse_http_date
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.tracker import Poll, Tracker
from legnext_stream.errors import LegnextError
from tests.hostile.mutations import HEADERS, JOB_ID, TIMES, Mutator
from tests.pages import command_line, write_into

# All inputs are short, so none may take longer than this, seconds of processor time.
_LONGEST = 1.0
_NAMES = (
    "retry-after",
    "date",
    "ratelimit",
    "ratelimit-policy",
    *(f"{x}ratelimit-{y}" for x in ("", "x-") for y in ("limit", "remaining", "reset")),
)
_CODES = ("200", "200", "200", "200", "404", "429", "500", "302", "204")
_EPOCH = 1.9e9


@attrs.define
class Report:
    """The result of a run.

    Attributes:
        inputs: How many inputs there were.
        seconds: How long all of them took together.
        slowest: How long the slowest of them took, seconds.
        came_to: How many inputs led to which result.
    """

    inputs: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    came_to: Counter[str] = attrs.field(factory=Counter)

    def __str__(self) -> str:
        first = (
            f"- {self.inputs:,} inputs in {self.seconds:.0f} s, the slowest in"
            f" {self.slowest * 1e3:.0f} ms; no unexpected exception"
        )
        lines = [first]
        for reader, ends in self._by_reader().items():
            said = "; ".join(f"{number:,} {what}" for what, number in ends.most_common())
            lines.append(f"- {reader}: {said}")
        return "\n".join(lines)

    def _by_reader(self) -> dict[str, Counter[str]]:
        """The results of the inputs, by what read them."""
        readers: dict[str, Counter[str]] = {}
        for what, number in sorted(self.came_to.items()):
            reader, _, end = what.partition(": ")
            readers.setdefault(reader, Counter())[end] += number
        return readers


class HarmError(Exception):
    """An input caused a failure. The message names the input, so that it can be pasted into a test."""


def answer(body: bytes, code: int, headers: dict[str, str]) -> str:
    """Give an answer to a tracker, and serialise the events it causes."""
    pacing = Pacing()
    pacer = Pacer(max_rate=50.0, initial_rate=10.0, max_in_flight=4)
    tracker = Tracker(pacing=pacing, timeout=600.0, pacer=pacer)
    tracker.add(0.0, JOB_ID)
    assert isinstance(tracker.due(0.0), Poll)
    seen = read_poll(JOB_ID, Reply(code, headers, body, 0.0, 0.5, 1.9e9))
    try:
        events = tracker.observe(0.5, seen)
    except LegnextError as error:
        return f"answer: {type(error).__name__}"
    for event in events:
        assert event.job_id == event.job.job_id == JOB_ID
        assert repr(event)
        line = event_line(event, _EPOCH)
        assert line.isascii()
        assert line.count(b"\n") == 1
        written = json.dumps(dict(event.job.raw), allow_nan=False).encode()
        assert attrs.evolve(decode_job(json.loads(written)), job_id=JOB_ID) == event.job
        assert event.changed_between[1] <= 0.5
    due = tracker.due(0.5)
    assert isinstance(due, Poll) or due > 0.5
    said = events[0].status if events else "none"
    return f"answer: {seen.meaning.name.lower()}, event: {said}"


def hints(headers: dict[str, str]) -> str:
    """Parse rate-limit headers."""
    said = parse_hints(headers, 1.9e9)
    for value in (said.retry_after, said.window, said.reset_after, said.quota, said.remaining):
        assert value is None or 0 <= value < math.inf
    return "hints: none" if said == parse_hints({}, 0.0) else "hints: some"


def date(text: str) -> str:
    """Parse a date from a header."""
    seconds = parse_http_date(text)
    assert seconds is None or math.isfinite(seconds)
    return "date: none" if seconds is None else "date: one"


def stamp(text: str) -> str:
    """Parse a time from a body."""
    moment = decode_time(text)
    assert moment is None or math.isfinite(moment.timestamp())
    return "time: none" if moment is None else "time: one"


def job_id(text: str) -> str:
    """Check a job id."""
    try:
        check_job_id(text)
    except LegnextError as error:
        return "id: refused" if len(str(error)) < 300 else "id: refused at length"
    assert not set(text) & set("./%\\\x00 \n")
    return "id: taken"


def _next(mutator: Mutator, number: int) -> tuple[Callable[[], str], object]:
    """Return the next function to try, and its input."""
    match number % 8:
        case 0:
            said = {mutator.name(_NAMES): mutator.text(HEADERS) for _ in range(2)}
            return (lambda: hints(said)), said
        case 1:
            text = mutator.text(HEADERS[2:5])
            return (lambda: date(text)), text
        case 2:
            text = mutator.text(TIMES)
            return (lambda: stamp(text)), text
        case 3:
            text = mutator.text([JOB_ID])
            return (lambda: job_id(text)), text
        case _:
            body, code = mutator.body(), int(mutator.name(_CODES))
            said = {mutator.name(_NAMES): mutator.text(HEADERS)} if number % 3 == 0 else {}
            return (lambda: answer(body, code, said)), (body, code, said)


def fuzz(inputs: int, *, seed: int, progress: Callable[[Report], None] | None = None) -> Report:
    """Try inputs.

    Args:
        inputs: How many.
        seed: The same seed gives the same inputs.
        progress: Called now and then.

    Raises:
        HarmError: An input caused an unexpected exception, violated a check, or took too long.
    """
    mutator = Mutator(seed)
    report = Report()
    started = time.perf_counter()
    for number in range(inputs):
        attempt, given = _next(mutator, number)
        before = time.process_time()
        try:
            report.came_to[attempt()] += 1
        except Exception as error:
            raise HarmError(f"input {number} of seed {seed}, {given!r}: {error!r}") from error
        took = time.process_time() - before
        if took > _LONGEST:
            raise HarmError(f"input {number} of seed {seed} took {took:.1f} s: {given!r}")
        report.inputs, report.slowest = number + 1, max(report.slowest, took)
        if progress is not None and report.inputs % 50_000 == 0:
            report.seconds = time.perf_counter() - started
            progress(report)
    report.seconds = time.perf_counter() - started
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same inputs")
    parser.add_argument("--page", type=Path, help="where to put the figures, e.g. a page's file")
    given = parser.parse_args(arguments)

    def show(report: Report) -> None:
        print(f"{report.inputs:,} inputs, {report.seconds:.0f} s", file=sys.stderr)

    try:
        report = fuzz(given.inputs, seed=given.seed, progress=show)
    except HarmError as error:
        print(error, file=sys.stderr)
        return 1
    print(report)
    if given.page is not None:
        command = command_line("tests.hostile.fuzz", arguments)
        write_into(given.page, "fuzz", command, str(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
