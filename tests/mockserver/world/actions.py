"""Sequences of changes of a world, for properties that hold after any of them."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

import attrs
from hypothesis import strategies as st

from mockserver._world.durations import Uniform
from mockserver._world.failures import Failures
from mockserver._world.presets import Preset
from mockserver._world.scripts import Script, Step
from mockserver._world.slots import Order
from mockserver._world.world import World

What: TypeAlias = Literal["add", "poll", "release", "hold", "set", "look"]

SCRIPTS: Final = (
    Script(["completed"]),
    Script([("pending", 1), ("processing", 3), "failed"], takes_slot=True),
    Script([Step("pending", polls=2), Step("processing", 5, polls=2), "completed"]),
    Script(
        [Step("pending", 4, polls=2), Step("processing", polls=1), "completed"], takes_slot=True
    ),
    Script(["pending", "staged", ("processing", 2), "failed"], takes_slot=True),
    Script(["processing", "completed"]),
    Script(["staged", ("processing", 2), "held"], takes_slot=True),
)
STATUSES: Final = ("pending", "processing", "retry", "completed", "failed")


@attrs.frozen
class Action:
    """One change of a world.

    Attributes:
        what: What it is.
        after: How long after the one before, in seconds.
        number: Which job, script or status, of those there are.
    """

    what: What
    after: float
    number: int


WHATS: Final[tuple[What, ...]] = ("add", "poll", "release", "hold", "set", "look")
ACTIONS: Final = st.lists(
    st.builds(
        Action,
        st.sampled_from(WHATS),
        # Often at the same instant as the one before.
        st.just(0.0) | st.floats(0, 5).map(lambda x: round(x, 1)),
        st.integers(0, 20),
    ),
    max_size=40,
)
ORDERS: Final = st.sampled_from(["fifo", "random", "priority"])


def made(seed: int, slots: int | None, order: Order) -> World:
    """A world in which much happens within seconds."""
    return World(
        seed,
        slots=slots,
        order=order,
        run_times=Preset(
            Uniform(1, 6),
            pending=Uniform(0, 2),
            failures=Failures(submit=0.1, moderation=0.1, processing=0.1, timeout=0.1),
        ),
        priorities={"upscale": 1},
    )


def act(world: World, action: Action, t: float) -> None:
    """Make one change at `t`; an impossible one (of a job that has ended) is skipped."""
    n = action.number
    if action.what == "add":
        script = SCRIPTS[n] if n < len(SCRIPTS) else None
        callback = "http://127.0.0.1/" if n % 2 else ""
        task_type = "upscale" if n % 3 else "diffusion"
        world.add_job(task_type, at=t, script=script, callback=callback)
        return
    if not len(world):
        return
    job_id = list(world.job_ids())[n % len(world)]
    if action.what == "poll":
        world.poll(job_id, t)
    elif action.what == "look":
        world.job(job_id, t)
    else:
        try:
            if action.what == "release":
                world.release(job_id, t)
            elif action.what == "hold":
                world.hold(job_id, t)
            else:
                world.set_status(job_id, STATUSES[n % len(STATUSES)], t)
        except ValueError as refused:
            if not re.search("ended|nothing follows", str(refused)):
                raise
