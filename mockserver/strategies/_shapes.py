"""Job objects as they go over the wire, in every known variant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
import msgspec
from hypothesis import strategies as st

from mockserver._api.quirks import Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.wire import job_body
from mockserver._faults.state import UNDOCUMENTED
from mockserver._world.scripts import FAILURES, Failure, Script, Step
from mockserver._world.tasks import TASKS
from mockserver._world.world import World
from mockserver.strategies._deriving import values_of
from mockserver.strategies._ids import job_ids
from mockserver.strategies._lives import KNOWN, seconds

# How long after its end a job or a result expires, in seconds: no earlier than an hour, because a
# client that can't see a job's end would follow it for ever.
_EXPIRY: Final = (3600.0, 3 * 86_400.0)
_EVERY_STATUS: Final = (*KNOWN, "completed", "failed", *UNDOCUMENTED)
# What a job goes through before it reaches a status; before any other status, all of these.
_WAY: Final = ("pending", "staged", "processing")


def quirks() -> st.SearchStrategy[Quirks]:
    """Returns a strategy which generates every combination of the API's known variants.

    Jobs and results expire an hour after a job's end at the earliest.

    Examples from this strategy shrink towards `Quirks()`, the documented variant, field by field.
    """
    drawn = {name: st.sampled_from(values) for name, values in values_of(Quirks).items()}
    expiring = (field.name for field in attrs.fields(Quirks) if field.default is None)
    return st.builds(Quirks, **drawn, **dict.fromkeys(expiring, st.none() | seconds(*_EXPIRY)))


def _script_to(status: str, lasting: Sequence[float], failure: Failure) -> Script:
    """A life that leads to a status in the usual way, and stays in it."""
    way = _WAY[: _WAY.index(status)] if status in _WAY else _WAY
    steps = (Step(word, duration) for word, duration in zip(way, lasting, strict=False))
    return Script((*steps, Step(status)), failure=failure)


@st.composite
def _job_objects(
    draw: st.DrawFn, statuses: tuple[str, ...], shapes: st.SearchStrategy[Quirks]
) -> dict[str, Any]:
    lasting = draw(st.tuples(*[seconds(longest=300.0)] * (len(_WAY) + 1)))
    script = _script_to(draw(st.sampled_from(statuses)), lasting, draw(st.sampled_from(FAILURES)))
    # In a world of its own, so that its random numbers are those of a world.
    world = World(draw(st.integers(0, 2**32)), slots=None)
    task_type = draw(st.sampled_from(tuple(TASKS)))
    job_id = world.add_job(task_type, at=0.0, script=script, job_id=draw(job_ids()))
    # When its status began, exactly: a sum of durations may differ from it by the last bit.
    began_at = world.changes(job_id, script.seconds + 1.0)[-1].at
    job = world.job(job_id, began_at + lasting[-1])
    decoded: dict[str, Any] = msgspec.json.decode(job_body(job, DEFAULT_EPOCH, draw(shapes)))
    return decoded


def job_objects(
    *,
    statuses: Sequence[str] = _EVERY_STATUS,
    shapes: st.SearchStrategy[Quirks] | None = None,
) -> st.SearchStrategy[dict[str, Any]]:
    """Returns a strategy which generates decoded job objects, of every task type in every variant.

    Examples from this strategy shrink towards a pending diffusion job in the documented variant.

    Args:
        statuses: The possible statuses.
        shapes: The possible variants; by default all of them, `quirks()`.
    """
    return _job_objects(tuple(statuses), quirks() if shapes is None else shapes)
