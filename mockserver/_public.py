"""The public names of `mockserver`, which imports them from here when the first is used."""

from __future__ import annotations

from mockserver._api.hints import Hints
from mockserver._api.moderation import Moderation
from mockserver._api.quirks import Quirks
from mockserver._faults import Faults, Rule, When
from mockserver._faults.connection import (
    Bandwidth,
    Close,
    Dribble,
    EmptyAnswer,
    Garbage,
    Refuse,
    Reset,
    Silence,
    SlowClose,
)
from mockserver._faults.http import (
    Delay,
    ErrorEnvelope,
    HtmlPage,
    MalformedJson,
    Oversized,
    Redirect,
    Status,
    Truncated,
    WrongContentType,
)
from mockserver._faults.state import (
    AnswerLost,
    EmptyOutput,
    Flapping,
    NotYetFound,
    Regression,
    Stale,
    UnknownStatus,
    Vanished,
    WrongJob,
)
from mockserver._mock import MockLegnext
from mockserver._plain import PlainError, from_plain, to_plain
from mockserver._replay import (
    Recorder,
    Transcript,
    read_transcript,
    replaying,
    scripts_of,
)
from mockserver._scenario import (
    Jobs,
    Phase,
    Scenario,
    ScenarioError,
    read_scenario,
    write_scenario,
)
from mockserver._serving.control import Control, Snapshot, State
from mockserver._serving.journal import Journal, RequestRecord, Requests
from mockserver._serving.network.proxy import FaultProxy
from mockserver._serving.webhooks import (
    Deliveries,
    DeliveryRecord,
    WebhookRequest,
    Webhooks,
    WebhookSettings,
)
from mockserver._virtual import run_virtual
from mockserver._world.account import Account, Balance
from mockserver._world.durations import Empirical, Fixed, Lognormal, PerType, Run, Start, Uniform
from mockserver._world.failures import Failures
from mockserver._world.limit_rules import LimitRule
from mockserver._world.limits import (
    Concurrency,
    FixedWindow,
    LeakyBucket,
    Limit,
    Scheduled,
    SlidingWindow,
    TokenBucket,
)
from mockserver._world.presets import PRESETS, Preset
from mockserver._world.scripts import Failure, Script, Step
from mockserver._world.snapshots import WorldSnapshot
from mockserver._world.truth import Change, JobChange, Truth
from mockserver._world.world import World

__all__ = [
    "PRESETS",
    "Account",
    "AnswerLost",
    "Balance",
    "Bandwidth",
    "Change",
    "Close",
    "Concurrency",
    "Control",
    "Delay",
    "Deliveries",
    "DeliveryRecord",
    "Dribble",
    "Empirical",
    "EmptyAnswer",
    "EmptyOutput",
    "ErrorEnvelope",
    "Failure",
    "Failures",
    "FaultProxy",
    "Faults",
    "Fixed",
    "FixedWindow",
    "Flapping",
    "Garbage",
    "Hints",
    "HtmlPage",
    "JobChange",
    "Jobs",
    "Journal",
    "LeakyBucket",
    "Limit",
    "LimitRule",
    "Lognormal",
    "MalformedJson",
    "MockLegnext",
    "Moderation",
    "NotYetFound",
    "Oversized",
    "PerType",
    "Phase",
    "PlainError",
    "Preset",
    "Quirks",
    "Recorder",
    "Redirect",
    "Refuse",
    "Regression",
    "RequestRecord",
    "Requests",
    "Reset",
    "Rule",
    "Run",
    "Scenario",
    "ScenarioError",
    "Scheduled",
    "Script",
    "Silence",
    "SlidingWindow",
    "SlowClose",
    "Snapshot",
    "Stale",
    "Start",
    "State",
    "Status",
    "Step",
    "TokenBucket",
    "Transcript",
    "Truncated",
    "Truth",
    "Uniform",
    "UnknownStatus",
    "Vanished",
    "WebhookRequest",
    "WebhookSettings",
    "Webhooks",
    "When",
    "World",
    "WorldSnapshot",
    "WrongContentType",
    "WrongJob",
    "from_plain",
    "read_scenario",
    "read_transcript",
    "replaying",
    "run_virtual",
    "scripts_of",
    "to_plain",
    "write_scenario",
]
