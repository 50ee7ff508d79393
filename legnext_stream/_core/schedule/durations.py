"""The learned run times of every task type, starting from the published ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from legnext_stream._core.model.tasks import ANY_RUN_TIME, find_task_type
from legnext_stream._core.schedule.runtimes import RunTimes

OTHER: Final = "other"
"""The name under which all task types that this version doesn't know are learned together."""


class Durations:
    """The run times of every task type seen so far.

    Memory is bounded whatever the API sends: unknown types share one `RunTimes`.
    """

    def __init__(self) -> None:
        self._types: dict[str, RunTimes] = {}
        # Of all types as if they were one, for jobs whose type isn't known yet.
        self.together: RunTimes = RunTimes(*ANY_RUN_TIME)

    def of(self, task_type: str | None) -> RunTimes:
        """The run times of a task type, in any spelling; None stands for an unknown one."""
        word = task_type or ""
        found = self._types.get(word)
        if found is None:
            known = find_task_type(word)
            name = OTHER if known is None else known.value
            found = self._types.get(name)
            if found is None:
                low, high = ANY_RUN_TIME if known is None else known.run_time
                found = self._types[name] = RunTimes(low, high)
        return found

    def __iter__(self) -> Iterator[tuple[str, RunTimes]]:
        """The types seen so far, with their run times."""
        return iter(self._types.items())

    def state(self) -> dict[str, Any]:
        """What has been learned, as plain data that JSON can hold."""
        return {name: run_times.state() for name, run_times in self._types.items()}

    def remember(self, state: Mapping[str, Any]) -> None:
        """Take over what an earlier `state` returned, for types that nothing has been learned of.

        Types that this version doesn't know are left out.

        Raises:
            ValueError: `state` is malformed, or comes from another version. Nothing was taken over.
        """
        learned = {
            name: RunTimes.from_state(kept)
            for name, kept in state.items()
            if name == OTHER or find_task_type(name) is not None
        }
        for name, run_times in learned.items():
            if name not in self._types or not self._types[name].ended_jobs:
                self._types[name] = run_times
