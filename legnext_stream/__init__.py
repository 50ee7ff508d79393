"""Many Legnext jobs as one async stream of status changes.

async for event in watch(job_ids):
    print(event.job_id, event.previous, "->", event.status)
"""

from legnext_stream.client import Balance, LegnextClient
from legnext_stream.core.events import JobEvent
from legnext_stream.core.explanation import Explanation
from legnext_stream.core.jobs import Job, JobError, JobStatus, Output, TaskType, Usage
from legnext_stream.core.pacing import Pacing
from legnext_stream.core.stats import LearnedRunTimes, Stats
from legnext_stream.entry import wait, watch
from legnext_stream.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
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

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Balance",
    "ConfigurationError",
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
    "RateLimitError",
    "ServerError",
    "Stats",
    "StreamClosedError",
    "SubmitUnknownError",
    "Subscription",
    "TaskType",
    "UnexpectedAnswerError",
    "Usage",
    "__version__",
    "wait",
    "watch",
]
