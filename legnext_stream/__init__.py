"""Many Legnext jobs as one async stream of status changes.

async for event in watch(job_ids):
    print(event.job_id, event.previous, "->", event.status)
"""

from typing import TYPE_CHECKING

from legnext_stream import _startup  # noqa: F401 - it handles Ctrl-C while the rest is imported
from legnext_stream._client import LegnextClient
from legnext_stream._core.model.events import JobEvent, PromptEvent, SavedFile
from legnext_stream._core.model.jobs import Job, JobError, JobStatus, Output, Usage
from legnext_stream._core.model.prompts import Prompt
from legnext_stream._core.model.tasks import TaskType
from legnext_stream._core.pacing import Pacing
from legnext_stream._core.schedule.reasons import Explanation
from legnext_stream._core.stats import LearnedRunTimes, Stats
from legnext_stream._engine.delivery import Subscription
from legnext_stream._engine.stream import EventStream, Selection
from legnext_stream._functions import as_completed, gather, generate, wait, watch
from legnext_stream._requests import Balance
from legnext_stream._version import __version__
from legnext_stream.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    DownloadError,
    HostUnreachableError,
    InsufficientCreditsError,
    InvalidJobId,
    InvalidRequestError,
    JobFailed,
    JobNotFound,
    JobTimedOut,
    JobUnsuccessful,
    JournalError,
    JournalInUseError,
    LegnextError,
    NotFoundError,
    NotTrioError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StreamClosedError,
    SubmitUnknownError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from legnext_stream._telemetry import Telemetry
    from legnext_stream._webhooks import WebhookReceiver, WebhookStats, webhook_app

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Balance",
    "ConfigurationError",
    "DownloadError",
    "EventStream",
    "Explanation",
    "HostUnreachableError",
    "InsufficientCreditsError",
    "InvalidJobId",
    "InvalidRequestError",
    "Job",
    "JobError",
    "JobEvent",
    "JobFailed",
    "JobNotFound",
    "JobStatus",
    "JobTimedOut",
    "JobUnsuccessful",
    "JournalError",
    "JournalInUseError",
    "LearnedRunTimes",
    "LegnextClient",
    "LegnextError",
    "NotFoundError",
    "NotTrioError",
    "Output",
    "Pacing",
    "PermissionDeniedError",
    "Prompt",
    "PromptEvent",
    "RateLimitError",
    "SavedFile",
    "Selection",
    "ServerError",
    "Stats",
    "StreamClosedError",
    "SubmitUnknownError",
    "Subscription",
    "TaskType",
    "Telemetry",
    "UnexpectedAnswerError",
    "Usage",
    "WebhookReceiver",
    "WebhookStats",
    "__version__",
    "as_completed",
    "gather",
    "generate",
    "wait",
    "watch",
    "webhook_app",
]

# Imported when they are first asked for: most programs never do, and Telemetry needs an extra.
_IMPORTED_ON_DEMAND = {
    "Telemetry": "legnext_stream._telemetry",
    "WebhookReceiver": "legnext_stream._webhooks",
    "WebhookStats": "legnext_stream._webhooks",
    "webhook_app": "legnext_stream._webhooks",
}


def __getattr__(name: str) -> object:
    module = _IMPORTED_ON_DEMAND.get(name)
    if module is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - only programs that use it pay for it

    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value
