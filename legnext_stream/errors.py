"""Every exception this library raises, named by whose fault it is.

One root, `LegnextError`. Below it: what the caller did (`ConfigurationError`, `InvalidJobId`), what
the API answered (`ApiError` and its leaves), what the network did (`HostUnreachableError`), what
became of a job's results (`DownloadError`), and how a job that somebody waited for ended
(`JobUnsuccessful` and its leaves).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legnext_stream._core.model.jobs import Job


class LegnextError(Exception):
    """The root of all errors of this library.

    Attributes:
        message: What happened, in words; the API's own message where it gave one.
        status_code: The HTTP status of the answer, or None where there was no answer.
        content: The raw body of the answer (its first 4,096 bytes), or None.
    """

    def __init__(
        self, message: str, *, status_code: int | None = None, content: bytes | None = None
    ) -> None:
        super().__init__(message)
        self.message: str = message
        self.status_code: int | None = status_code
        self.content: bytes | None = None if content is None else content[:4096]


class ConfigurationError(LegnextError):
    """The caller's set-up can't work: no API key, or a base URL that is none."""


class NotTrioError(LegnextError, RuntimeError):
    """The library was used outside a Trio run. `legnext_stream.aio` is for asyncio, `.sync` for plain code."""


class JournalError(LegnextError):
    """A journal can't be opened, read or written; the message names the file and says why."""


class JournalInUseError(JournalError):
    """Another watch, of this process or another, has the journal open."""


class StreamClosedError(LegnextError):
    """A stream was iterated after it was closed."""


class InvalidJobId(LegnextError, ValueError):
    """The caller gave something that can't be a job id; the message names it."""


class ApiError(LegnextError):
    """The API answered, and the answer is a refusal or nonsense."""


class AuthenticationError(ApiError):
    """401: the API key is missing or wrong. Concerns every job."""


class InsufficientCreditsError(ApiError):
    """402: the account has run out of credits. Concerns every job."""


class PermissionDeniedError(ApiError):
    """403: moderation refused a submit, or the key may not read these jobs."""


class NotFoundError(ApiError):
    """404 or 410: no such job, or it has expired."""


class InvalidRequestError(ApiError):
    """400, 413 or 422: the API can't make sense of what was sent."""


class RateLimitError(ApiError):
    """429: too many requests, or too many jobs at once."""


class ServerError(ApiError):
    """408 or 5xx: trouble at the API, worth a retry."""


class UnexpectedAnswerError(ApiError):
    """The answer is not one the API gives: HTML, a redirect, another job's body."""


class HostUnreachableError(LegnextError):
    """The host gave no answer: refused, reset, silent or not to be found. The message names it."""


class SubmitUnknownError(HostUnreachableError):
    """A submit was sent but its answer was lost: the job may or may not exist, and may cost."""


class DownloadError(LegnextError):
    """A result of a job could not be saved; the message says why.

    Attributes:
        job_id: The job.
        url: Where the result is, without its query, which may be a signature.
    """

    def __init__(
        self, message: str, *, job_id: str, url: str, status_code: int | None = None
    ) -> None:
        super().__init__(message, status_code=status_code)
        self.job_id: str = job_id
        self.url: str = url


class JobUnsuccessful(LegnextError):
    """A job that was waited for did not complete.

    Attributes:
        job: The job as last seen.
    """

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job: Job = job


class JobFailed(JobUnsuccessful):
    """The API says that the job failed; the message is the API's."""


class JobTimedOut(JobUnsuccessful):
    """The job ran, or waited without any change, for longer than the timeout."""


class JobNotFound(JobUnsuccessful):
    """The API does not know the job, and kept saying so."""
