"""Kill a `generate` repeatedly, and check that each prompt is submitted once and each file is complete.

    python -m tests.simulation.generate_kills --kills 50

A process submits a batch of prompts, watches the jobs and saves the images, with a journal, over sockets,
against a server with faults. It is killed (SIGKILL) at a random moment and started again with the same
prompts, until the batch has ended; then the next batch begins, until there were enough kills. Everything
that the processes reported is compared with the truth of the server: how many jobs it has for each prompt,
and how they ended. `--page docs/reliability.md` also writes the figures to that page.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias

import attrs

from tests.pages import command_line, write_into
from tests.servers import MockServer, mock_server
from tests.simulation.generating import prompts_of
from tests.simulation.kills import Event, run_until_killed, whole_lines

Jobs: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The jobs that the server has for each text."""

ENDS = frozenset({"completed", "failed", "submit_unknown", "not_submitted"})
_FAULTS = (
    "status:503@job,probability=0.03",
    "reset:60@job,probability=0.02",
    "stale:3@job,probability=0.05",
    "answer-lost@submit,probability=0.04",
    "status:503@submit,probability=0.02",
    "truncated@file,probability=0.05",
    "status:503@file,probability=0.05",
)
_SERVER = ("--time-scale", "40", "--failure-share", "0.1", "--rate", "4", "--moderate", "number 7")
# An account that queues jobs, and one that refuses more jobs than it runs.
_SLOTS = ("queue@12", "reject@12")
# A process is killed within this many seconds of its first event or, every second time, of its start.
_LONGEST_LIFE = 1.5


@attrs.define
class Report:
    """The totals of a campaign.

    Attributes:
        kills: How often a batch was killed.
        batches: How many batches ended.
        prompts: How many prompts these had.
        ends: How many prompts ended with which status.
        again: How many ends were delivered again, because they were not acknowledged before a kill.
        files: How many files were saved, all of them complete.
    """

    kills: int = 0
    batches: int = 0
    prompts: int = 0
    ends: Counter[str] = attrs.field(factory=Counter)
    again: int = 0
    files: int = 0

    def __str__(self) -> str:
        ends = ", ".join(f"{count:,} {status}" for status, count in sorted(self.ends.items()))
        return (
            f"- {self.kills:,} kills survived over {self.batches:,} batches of {self.prompts:,} prompts"
            f" in all: {ends}\n"
            f"- no prompt had more than one job at the server, and each had one acknowledged end;"
            f" {self.again:,} ends were delivered again because they had not been acknowledged\n"
            f"- {self.files:,} files, all complete"
        )


def faulty_server(seed: int, slots: str) -> AbstractContextManager[MockServer]:
    """Start a server for a batch, with all kinds of faults."""
    faults = [option for fault in _FAULTS for option in ("--fault", fault)]
    return mock_server("--seed", str(seed), "--slots", slots, *_SERVER, *faults)


def jobs_of(server: MockServer) -> Jobs:
    """Return the jobs that the server has for each text."""
    jobs: dict[str, list[Mapping[str, Any]]] = {}
    for job_id in server.truth():
        job = server.get(f"jobs/{job_id}")
        jobs.setdefault(job["params"]["text"], []).append(job)
    return jobs


def judge(runs: Sequence[Sequence[Event]], jobs: Jobs, count: int, report: Report) -> None:
    """Check the events of all processes of a batch, and add them to the report.

    Raises:
        AssertionError: A prompt was submitted twice, or an event was lost, repeated or not true.
    """
    given = Counter(item if isinstance(item, str) else item.text for item in prompts_of(count))
    for text, made in jobs.items():
        assert len(made) <= given[text], f"{text!r} was submitted {len(made)} times"
    ends: dict[int, Event] = {}
    # The event being handled when a process was killed comes again, perhaps later.
    unacknowledged: set[int] = set()
    for run in runs:
        for event in run:
            position = event["position"]
            if position in ends:
                assert position in unacknowledged, f"there was an event after {ends[position]}"
                unacknowledged.remove(position)
                assert event["status"] == ends[position]["status"], f"{event}, and {ends[position]}"
                report.again += 1
            if event["status"] in ENDS:
                ends[position] = event
        if run and run[-1]["status"] in ENDS:
            unacknowledged.add(run[-1]["position"])
    assert sorted(ends) == list(range(1, count + 1)), "each prompt has one end"
    assert Counter(end["text"] for end in ends.values()) == given, "each end belongs to a prompt"
    by_id = {job["job_id"]: job for made in jobs.values() for job in made}
    for end in ends.values():
        _check_end(end, by_id)
        report.files += len(end["files"])
    unknown = Counter(end["text"] for end in ends.values() if end["status"] == "submit_unknown")
    known = Counter(end["text"] for end in ends.values() if end["job_id"])
    for text, made in jobs.items():
        assert known[text] <= len(made) <= known[text] + unknown[text], f"{text!r}: a job was lost"
    report.ends.update(end["status"] for end in ends.values())
    report.batches += 1
    report.prompts += count


def _check_end(end: Event, jobs: Mapping[str, Mapping[str, Any]]) -> None:
    if not end["job_id"]:
        assert end["status"] in {"submit_unknown", "not_submitted"}, f"{end} has no job"
        return
    job = jobs[end["job_id"]]
    assert job["params"]["text"] == end["text"], f"{end} is of another prompt's job"
    assert job["status"] == end["status"], f"{end} is not true"
    assert end["download_error"] is None, f"{end}"
    expected = 4 if end["status"] == "completed" else 0
    assert len(end["files"]) == expected, f"{end} has {len(end['files'])} files"
    for path, size in end["files"]:
        content = Path(path).read_bytes()
        assert len(content) == size, f"{path} is cut"
        check_png(content, path)


def check_png(content: bytes, name: str) -> None:
    """Check that a PNG file is complete and valid.

    Raises:
        AssertionError: It isn't.
    """
    assert content.startswith(b"\x89PNG\r\n\x1a\n"), f"{name} is no PNG file"
    at, kinds = 8, []
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        part = content[at + 4 : at + 8 + size]
        expected = int.from_bytes(content[at + 8 + size : at + 12 + size], "big")
        assert zlib.crc32(part) == expected, f"{name} is damaged"
        kinds.append(part[:4])
        at += 12 + size
    assert at == len(content), f"{name} is cut"
    assert kinds[0] == b"IHDR", f"{name} has no head"
    assert kinds[-1] == b"IEND", f"{name} has no end"


def campaign(kills: int, *, seed: int, count: int = 40) -> Report:
    """Kill batches until there were this many kills and the last batch has ended.

    Raises:
        AssertionError: A guarantee was violated; the message names the prompt.
    """
    rng = random.Random(seed)
    report = Report()
    while report.kills < kills:
        number = report.batches
        with (
            tempfile.TemporaryDirectory() as place,
            faulty_server(seed * 1000 + number, _SLOTS[number % len(_SLOTS)]) as server,
        ):
            journal, folder = Path(place) / "batch.db", Path(place) / "out"
            runs: list[list[Event]] = []
            while True:
                life = rng.uniform(0.0, _LONGEST_LIFE) if report.kills < kills else None
                command = [sys.executable, "-m", "tests.simulation.generating", server.url]
                command += [str(journal), str(folder), str(count)]
                from_start = rng.random() < 0.5
                status, output = run_until_killed(command, life, from_start=from_start)
                runs.append(whole_lines(output))
                if status >= 0:
                    break
                report.kills += 1
            assert status == 0, f"it ended with {status}"
            judge(runs, jobs_of(server), count, report)
            left = [path.name for path in folder.iterdir() if path.suffix != ".png"]
            assert not left, f"left over: {left}"
        print(report, file=sys.stderr)
    return report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.generate_kills",
        description=(__doc__ or "").partition("\n")[0],
    )
    parser.add_argument("--kills", type=int, default=50, help="how many kills (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same moments")
    parser.add_argument("--page", type=Path, help="a page to write the figures to")
    given = parser.parse_args(arguments)
    try:
        report = campaign(given.kills, seed=given.seed)
    except AssertionError as error:
        print(f"a guarantee was violated: {error}", file=sys.stderr)
        return 1
    print(report)
    if given.page is not None:
        command = command_line("tests.simulation.generate_kills", arguments)
        write_into(given.page, "generate-kills", command, str(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
