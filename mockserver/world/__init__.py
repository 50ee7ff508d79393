"""The simulated account: pure functions of a seed, a script and the time."""

from mockserver.world.account import Account, Balance
from mockserver.world.durations import (
    TYPICAL,
    Distribution,
    Empirical,
    Fixed,
    Lognormal,
    PerType,
    Run,
    RunTimes,
    Start,
    Uniform,
)
from mockserver.world.failures import Failures
from mockserver.world.feed import ChangeFeed
from mockserver.world.jobs import JobView
from mockserver.world.limits import (
    Admitted,
    Concurrency,
    FixedWindow,
    Hint,
    LeakyBucket,
    Limit,
    LimitLike,
    LimitRule,
    LimitRules,
    Refused,
    Scheduled,
    SlidingWindow,
    Ticket,
    TokenBucket,
    Unlimited,
)
from mockserver.world.presets import PRESETS, Preset, PresetName
from mockserver.world.randomness import Draws, Randomness
from mockserver.world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver.world.slots import Order, WhenFull
from mockserver.world.snapshots import WorldSnapshot
from mockserver.world.tasks import TASKS, Makes, TaskType
from mockserver.world.truth import Change, JobChange, Truth
from mockserver.world.world import World

__all__ = [
    "FAILURES",
    "PRESETS",
    "TASKS",
    "TERMINAL",
    "TYPICAL",
    "Account",
    "Admitted",
    "Balance",
    "Change",
    "ChangeFeed",
    "Concurrency",
    "Distribution",
    "Draws",
    "Empirical",
    "Failure",
    "Failures",
    "Fixed",
    "FixedWindow",
    "Hint",
    "JobChange",
    "JobView",
    "LeakyBucket",
    "Limit",
    "LimitLike",
    "LimitRule",
    "LimitRules",
    "Lognormal",
    "Makes",
    "Order",
    "PerType",
    "Preset",
    "PresetName",
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
    "Ticket",
    "TokenBucket",
    "Truth",
    "Uniform",
    "Unlimited",
    "WhenFull",
    "World",
    "WorldSnapshot",
]
