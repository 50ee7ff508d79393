"""Presets: how long jobs wait, how long they run and how often they fail, in one value.

The published ranges are those of the service's usual mode. Numbers that aren't published (how long
its slower mode makes jobs wait, how often jobs fail) are plausible rather than measured: they are
for tests, not for predicting the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import attrs

from mockserver._world.durations import (
    TYPICAL,
    Distribution,
    Fixed,
    Lognormal,
    RunTimes,
    Uniform,
    published,
)
from mockserver._world.failures import Failures
from mockserver._world.tasks import TASKS, Makes

# Together they are the second that the service takes from creating a job to starting it when a slot
# is free.
_USUALLY_PENDING: Final = Fixed(0.5)
_USUALLY_STAGED: Final = Fixed(0.5)
_NO_FAILURES: Final = Failures()


@attrs.frozen
class Preset:
    """The lives of jobs.

    Attributes:
        run_times: How long they run, once they are processed.
        pending: How long they are pending, at least, before they take a slot, in seconds.
        staged: How long they are staged before they are processed, in seconds.
        failures: How often they fail, and how.
    """

    run_times: RunTimes = TYPICAL
    pending: Distribution = _USUALLY_PENDING
    staged: Distribution = _USUALLY_STAGED
    failures: Failures = _NO_FAILURES


PresetName: TypeAlias = Literal["fast", "typical", "relax", "video"]
"""The names of `PRESETS`."""

_VIDEOS = tuple(name for name, task in TASKS.items() if task.makes in {Makes.VIDEO, Makes.VIDEOS})

PRESETS: Final[Mapping[PresetName, Preset]] = MappingProxyType(
    {
        # A tenth of the published times, and nothing fails: for a test that is about something
        # else.
        "fast": Preset(published(0.1), pending=Fixed(0.1), staged=Fixed(0.1)),
        # The published times; a few jobs are stopped by the moderator or fail.
        "typical": Preset(failures=Failures(submit=0.005, moderation=0.015, processing=0.01)),
        # The service's slow mode: a job may be pending for minutes, even if slots are free.
        "relax": Preset(
            published(1.5),
            pending=Lognormal(90, 1.0, 2, 1800),
            staged=Uniform(0.5, 5),
            failures=Failures(submit=0.005, moderation=0.015, processing=0.02, timeout=0.005),
        ),
        # Long runs of which some never end; other tasks are as usual.
        "video": Preset(
            pending=Uniform(0.5, 3),
            staged=Uniform(0.5, 10),
            failures=Failures(
                processing=0.01,
                by_type=dict.fromkeys(
                    _VIDEOS,
                    Failures(
                        submit=0.01,
                        moderation=0.02,
                        processing=0.03,
                        timeout=0.02,
                        timeout_seconds=900,
                    ),
                ),
            ),
        ),
    }
)
"""The presets, by name."""


def preset_named(name: str) -> Preset:
    """Look up a preset.

    Raises:
        ValueError: There is no preset of this name.
    """
    for known, preset in PRESETS.items():
        if name == known:
            return preset
    raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
