"""Many Legnext jobs as one async stream of status changes.

async for event in watch(job_ids):
    print(event.job_id, event.previous, "->", event.status)
"""

from typing import TYPE_CHECKING

from legnext_stream.client import Balance, LegnextClient
from legnext_stream.collecting import Selection
from legnext_stream.core.events import JobEvent
from legnext_stream.core.explanation import Explanation
from legnext_stream.core.jobs import Job, JobError, JobStatus, Output, TaskType, Usage
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.prompts import Prompt
from legnext_stream.core.saved import SavedFile
from legnext_stream.core.stats import LearnedRunTimes, Stats
from legnext_stream.entry import as_completed, gather, generate, wait, watch
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
from legnext_stream.stream import EventStream
from legnext_stream.subscription import Subscription
from legnext_stream.version import __version__

if TYPE_CHECKING:
    from legnext_stream.webhooks import WebhookReceiver, WebhookStats, webhook_app

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
    "RateLimitError",
    "SavedFile",
    "Selection",
    "ServerError",
    "Stats",
    "StreamClosedError",
    "SubmitUnknownError",
    "Subscription",
    "TaskType",
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

# Names whose rooms are imported when they are first asked for: most programs never do.
_LATER = {
    "WebhookReceiver": "legnext_stream.webhooks",
    "WebhookStats": "legnext_stream.webhooks",
    "webhook_app": "legnext_stream.webhooks",
}


def __getattr__(name: str) -> object:
    room = _LATER.get(name)
    if room is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module  # noqa: PLC0415 - only who needs it pays for it

    value: object = getattr(import_module(room), name)
    globals()[name] = value
    return value
