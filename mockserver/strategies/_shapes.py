"""What goes over the wire: job objects in every shape in which they have been seen."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
from hypothesis import strategies as st

from mockserver._api.quirks import Quirks
from mockserver._api.times import DEFAULT_EPOCH
from mockserver._api.wire import job_body
from mockserver._faults.state import UNDOCUMENTED
from mockserver._world import FAILURES, TASKS, Failure, Script, Step, World
from mockserver.strategies._ids import job_ids
from mockserver.strategies._lives import KNOWN, seconds

# What expires does so after an hour at the earliest, in seconds: a job that nobody could have seen
# end would be followed for ever.
_EXPIRY: Final = (3600.0, 3 * 86_400.0)
_EVERY_STATUS: Final = (*KNOWN, "completed", "failed", *UNDOCUMENTED)
# What a job goes through before it has a status; before words that aren't here, all of it.
_WAY: Final = ("pending", "staged", "processing")


def _values(annotation: object, default: object) -> st.SearchStrategy[Any]:
    """All that a switch can be turned to, its default first: towards it examples shrink."""
    if annotation is bool:
        return st.sampled_from((default, not default))
    if get_origin(annotation) is Literal:
        others = (word for word in get_args(annotation) if word != default)
        return st.sampled_from((default, *others))
    if get_origin(annotation) in {Union, types.UnionType}:
        return st.none() | seconds(*_EXPIRY)
    return st.just(default)


def quirks() -> st.SearchStrategy[Quirks]:
    """Every combination of the variants in which the API has been seen.

    What expires does so an hour after a job's end at the earliest.

    They shrink towards `Quirks()`, switch by switch: what is left of a failing example differs from
    the documented shape only in what makes it fail.
    """
    annotations = get_type_hints(Quirks)
    return st.builds(
        Quirks,
        **{
            field.name: _values(annotations[field.name], field.default)
            for field in attrs.fields(Quirks)
        },
    )


def _script_to(status: str, lasting: Sequence[float], failure: Failure) -> Script:
    """A life that leads to a status in the usual way, and stays there."""
    way = _WAY[: _WAY.index(status)] if status in _WAY else _WAY
    steps = (Step(word, duration) for word, duration in zip(way, lasting, strict=False))
    return Script((*steps, Step(status)), failure=failure)


@st.composite
def _job_objects(
    draw: st.DrawFn, statuses: tuple[str, ...], shapes: st.SearchStrategy[Quirks]
) -> dict[str, Any]:
    lasting = draw(st.tuples(*[seconds(longest=300.0)] * (len(_WAY) + 1)))
    script = _script_to(draw(st.sampled_from(statuses)), lasting, draw(st.sampled_from(FAILURES)))
    # In a world of its own, so that what is drawn of it is what a world would have drawn.
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
    """Job objects as an answer has them, decoded: of every task type, in every shape.

    They shrink towards a pending diffusion job in the documented shape.

    Args:
        statuses: The statuses that they have.
        shapes: The shapes that they have; by default all of them, `quirks()`.
    """
    return _job_objects(tuple(statuses), quirks() if shapes is None else shapes)
