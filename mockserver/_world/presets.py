"""Worlds by name: how long jobs wait, run and how often they fail, as settings in one value.

The published ranges are of the service's usual mode. What isn't published (how long its slower mode
makes jobs wait, how often jobs fail) is a plausible number, meant to be seen in a test rather than
to predict the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

import attrs

from mockserver._world.durations import (
    TYPICAL,
    Distribution,
    Fixed,
    Lognormal,
    PerType,
    RunTimes,
    Uniform,
)
from mockserver._world.failures import Failures
from mockserver._world.tasks import TASKS, Makes

PENDING_SECONDS: Final = 0.5
"""How long a job is pending, at the least, before it takes a slot, in seconds."""
STAGED_SECONDS: Final = 0.5
"""How long a job is staged before it is processed, in seconds.

Together with `PENDING_SECONDS` it is the second that the service takes from creating a job to
starting it when a slot is free.
"""


_USUALLY_PENDING = Fixed(PENDING_SECONDS)
_USUALLY_STAGED = Fixed(STAGED_SECONDS)
_NO_FAILURES = Failures()


@attrs.frozen
class Preset:
    """How jobs live.

    Attributes:
        run_times: How long they run, once they are processed.
        pending: How long they are pending, at the least, before they take a slot, in seconds.
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


def _times(factor: float) -> PerType:
    """The published ranges, all longer by a factor."""
    ranges = {name: task.typical_run for name, task in TASKS.items()}
    return PerType(
        {
            name: Lognormal.within(low * factor, high * factor)
            for name, (low, high) in ranges.items()
        },
        otherwise=Lognormal.within(30 * factor, 90 * factor),
    )


PRESETS: Final[Mapping[PresetName, Preset]] = MappingProxyType(
    {
        # A tenth of the published times, and nothing fails: for a test that is about something else.
        "fast": Preset(_times(0.1), pending=Fixed(0.1), staged=Fixed(0.1)),
        # The published times; now and then one is stopped by the moderator or fails.
        "typical": Preset(failures=Failures(submit=0.005, moderation=0.015, processing=0.01)),
        # The service's slow mode: a job may be pending for minutes, whatever slots there are.
        "relax": Preset(
            _times(1.5),
            pending=Lognormal(90, 1.0, 2, 1800),
            staged=Uniform(0.5, 5),
            failures=Failures(submit=0.005, moderation=0.015, processing=0.02, timeout=0.005),
        ),
        # Long runs of which some never end; what isn't a video is as usual.
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
    for known in get_args(PresetName):
        if name == known:
            return PRESETS[known]
    raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
