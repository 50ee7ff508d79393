"""The exceptions of this library. Each name says what is at fault.

All derive from `LegnextError`. Below it are what the caller did (`ConfigurationError`,
`InvalidJobId`), what the API answered (`ApiError` and its subclasses), what the network did
(`HostUnreachableError`), what became of a job's results (`DownloadError`), and how a job ended that
the caller waited for (`JobUnsuccessful` and its subclasses).

Which HTTP status leads to which `ApiError` is decided in `_core/answers.py`.
"""

from __future__ import annotations

import copyreg
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from legnext_stream._core.model.jobs import Job


class LegnextError(Exception):
    """The base class of all exceptions of this library.

    Attributes:
        message: What happened, in words; with the API's own message if it gave one.
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

    def __reduce__(self) -> tuple[object, ...]:
        # Made again without `__init__`, which may want more than the message. Otherwise such an error can't
        # leave a process pool, and stops it (https://github.com/python/cpython/issues/120810, 79492).
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]  # missing in the stubs


class ConfigurationError(LegnextError):
    """The configuration can't work; the message says what to change.

    For example, there is no API key, the base URL is not a URL, the host's certificate can't be
    verified, or a variable of the environment names a proxy or certificates that can't be used.
    """


class NotTrioError(LegnextError, RuntimeError):
    """The library was used outside a Trio run.

    For asyncio there is `legnext_stream.aio`, for synchronous code `legnext_stream.sync`.
    """


class JournalError(LegnextError):
    """A journal can't be opened, read or written; the message names the file and says why."""


class JournalInUseError(JournalError):
    """Another watch has the journal open, in this process or another."""


class StreamClosedError(LegnextError):
    """A stream was iterated after it was closed."""


class InvalidJobId(LegnextError, ValueError):
    """The caller gave something that can't be a job id; the message quotes it."""


class ApiError(LegnextError):
    """The API answered with a refusal, or with something unexpected."""


class AuthenticationError(ApiError):
    """401: the API key is missing or wrong. This concerns every job."""


class InsufficientCreditsError(ApiError):
    """402: the account has run out of credits. This concerns every job."""


class PermissionDeniedError(ApiError):
    """403: moderation refused a submit, or the API key may not read these jobs."""


class NotFoundError(ApiError):
    """404 or 410: no such job, or it has expired."""


class InvalidRequestError(ApiError):
    """400, 413 or 422: the API doesn't accept what was sent."""


class RateLimitError(ApiError):
    """429: too many requests, or too many jobs at once."""


class ServerError(ApiError):
    """408 or 5xx: the API is in trouble, and the request may be repeated."""


class UnexpectedAnswerError(ApiError):
    """The answer is not one that the API gives, such as HTML, a redirect, or another job."""


class HostUnreachableError(LegnextError):
    """The host gave no answer: it was not found, refused, reset or didn't answer in time.

    The message names the host.
    """


class SubmitUnknownError(HostUnreachableError):
    """A submit was sent but not answered: the job may exist, and may cost credits."""


class DownloadError(LegnextError):
    """A result of a job could not be saved; the message says why.

    Attributes:
        job_id: The job.
        url: The URL of the result, without its query, which may be a signature.
    """

    def __init__(
        self, message: str, *, job_id: str, url: str, status_code: int | None = None
    ) -> None:
        super().__init__(message, status_code=status_code)
        self.job_id: str = job_id
        self.url: str = url


class JobUnsuccessful(LegnextError):
    """A job that the caller waited for did not complete.

    Attributes:
        job: The job as last seen.
    """

    def __init__(self, message: str, job: Job) -> None:
        super().__init__(message)
        self.job: Job = job


class JobFailed(JobUnsuccessful):
    """The job failed. The message is the API's."""


class JobTimedOut(JobUnsuccessful):
    """The job ran for longer than the timeout, or waited that long without any change."""


class JobNotFound(JobUnsuccessful):
    """The API doesn't know the job, and said so repeatedly."""
