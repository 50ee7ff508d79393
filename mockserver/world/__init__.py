"""The simulated account: pure functions of a seed, a script and the time."""

from mockserver.world.durations import (
    TYPICAL,
    Distribution,
    Fixed,
    Lognormal,
    PerType,
    Run,
    RunTimes,
    Start,
    Uniform,
)
from mockserver.world.limits import (
    Admitted,
    Concurrency,
    FixedWindow,
    Hint,
    Limit,
    Refused,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Unlimited,
)
from mockserver.world.randomness import Draws, Randomness
from mockserver.world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver.world.slots import Order
from mockserver.world.tasks import TASKS, Makes, TaskType
from mockserver.world.truth import Change, JobChange, Truth
from mockserver.world.world import JobView, World

__all__ = [
    "FAILURES",
    "TASKS",
    "TERMINAL",
    "TYPICAL",
    "Admitted",
    "Change",
    "Concurrency",
    "Distribution",
    "Draws",
    "Failure",
    "Fixed",
    "FixedWindow",
    "Hint",
    "JobChange",
    "JobView",
    "Limit",
    "Lognormal",
    "Makes",
    "Order",
    "PerType",
    "Randomness",
    "Refused",
    "Run",
    "RunTimes",
    "Scheduled",
    "Script",
    "SlidingWindow",
    "Start",
    "Step",
    "TaskType",
    "TokenBucket",
    "Truth",
    "Uniform",
    "Unlimited",
    "World",
]
