"""The simulated account: pure functions of a seed, a script and the time."""

from mockserver._world.account import Account, Balance
from mockserver._world.durations import (
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
from mockserver._world.failures import Failures
from mockserver._world.feed import ChangeFeed
from mockserver._world.jobs import JobView
from mockserver._world.limit_rules import LimitLike, LimitRule, LimitRules, Ticket
from mockserver._world.limits import (
    Admitted,
    Concurrency,
    FixedWindow,
    Hint,
    LeakyBucket,
    Limit,
    Refused,
    Scheduled,
    SlidingWindow,
    TokenBucket,
    Unlimited,
)
from mockserver._world.presets import PRESETS, Preset, PresetName
from mockserver._world.randomness import Draws, Randomness
from mockserver._world.scripts import FAILURES, TERMINAL, Failure, Script, Step
from mockserver._world.slots import Order, WhenFull
from mockserver._world.snapshots import WorldSnapshot
from mockserver._world.tasks import TASKS, Makes, TaskType
from mockserver._world.truth import Change, JobChange, Truth
from mockserver._world.world import World

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
