"""What a simulation runs: a batch of prompts or of a journal's jobs, and the account it needs."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from legnext_stream._cli.exits import UsageError
from legnext_stream._cli.prompts_file import parser, read_prompts
from legnext_stream._cli.simulating import Open
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.schedule.durations import Durations
from legnext_stream._engine.stream import EventStream
from legnext_stream._journal.contents import read_jobs, read_learned
from legnext_stream.errors import JournalError

# Of the learned run times so many quantiles are handed on.
_QUANTILES = 41


@attrs.frozen(kw_only=True)
class Batch:
    """What is to be simulated.

    Attributes:
        title: What it is called.
        settings: What the simulated account must have for it, as plain data.
        open_stream: Opens the stream that follows it.
        jobs: How many jobs there are.
    """

    title: str
    settings: Mapping[str, object]
    open_stream: Open
    jobs: int


def find_batch(
    source: str | None, jobs: int | None, journal: Path | None, task_type: TaskType
) -> Batch:
    """What is to be simulated.

    Raises:
        UsageError: Nothing, or several things at once; or it can't be read or simulated.
    """
    if sum(given is not None for given in (source, jobs, journal)) != 1:
        raise UsageError("name one thing to simulate: a file of prompts, --jobs or --journal")
    if journal is not None:
        return _of_journal(journal)
    if source is None:
        number = jobs or 0
        prompts = [Prompt(f"simulated prompt {n + 1}", task_type=task_type) for n in range(number)]
        title = f"{number:,} simulated jobs"
    else:
        prompts = read_prompts(source, parser(task_type, is_json=source.endswith(".jsonl")))
        title = f"simulation of {source}"
    for position, prompt in enumerate(prompts, 1):
        if prompt.params.keys() & {"jobId", "job_id"}:
            raise UsageError(
                f"prompt {position} builds on another job, which a simulation doesn't have;"
                " simulate its journal, or --jobs"
            )

    def open_stream(client: LegnextClient) -> EventStream:
        return client.generate(prompts, timeout=None)

    return Batch(title=title, settings={}, open_stream=open_stream, jobs=len(prompts))


def _of_journal(path: Path) -> Batch:
    """The jobs of a journal, with what is known of how long they run and how often they fail."""
    try:
        known = read_jobs(path)
        learned = read_learned(path, "durations")
    except JournalError as error:
        raise UsageError(str(error)) from None
    types = {member.value for member in TaskType}
    usual = Counter(job.task_type for job in known if job.task_type in types).most_common(1)
    # Of what nothing was told yet is taken to be of the kind that most are of.
    otherwise = usual[0][0] if usual else TaskType.DIFFUSION.value
    jobs = [
        {
            "job_id": job.job_id,
            "task_type": job.task_type if job.task_type in types else otherwise,
        }
        for job in known
    ]
    settings: dict[str, object] = {"jobs": jobs}
    if times := _learned_times(learned):
        settings["run_times"] = {
            "kind": "per-type",
            "by_type": times,
            "otherwise": {"kind": "lognormal", "median": 60, "sigma": 0.4},
        }
    ends = Counter(job.status for job in known if job.is_ended)
    if ends[JobStatus.FAILED]:
        settings["failure_share"] = ends[JobStatus.FAILED] / ends.total()
    ids = [job.job_id for job in known]

    def open_stream(client: LegnextClient) -> EventStream:
        return client.watch(ids, timeout=None)

    return Batch(
        title=f"simulation of {path}", settings=settings, open_stream=open_stream, jobs=len(ids)
    )


def _learned_times(learned: Mapping[str, Any] | None) -> dict[str, object]:
    """The learned run times by task type, as distributions in plain data."""
    if learned is None:
        return {}
    durations = Durations()
    try:
        durations.remember(learned)
    except (ValueError, AttributeError, TypeError):
        # Of another version, or by another hand: the preset's are taken then.
        return {}
    return {
        name: {
            "kind": "empirical",
            "seconds": [
                # The curve has no end; its last hundredth would be a rare job of many hours.
                run_times.curve.quantile(0.01 + 0.98 * number / (_QUANTILES - 1))
                for number in range(_QUANTILES)
            ],
        }
        for name, run_times in durations
        if run_times.ended_jobs
    }


def read_scenario(path: Path) -> dict[str, object]:
    """The plain data of a scenario file.

    Raises:
        UsageError: It can't be read, or is neither TOML nor JSON.
    """
    try:
        text = path.read_text(encoding="utf-8")
        read = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"can't read {path}: {getattr(error, 'strerror', None) or error}"
        ) from None
    if not isinstance(read, dict):
        raise UsageError(f"can't read {path}: it is no table of settings")
    return read
