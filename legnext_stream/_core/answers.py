"""What an answer of the API means: for polls, submits, downloads, other requests, and the pace.

`TABLE` has a row for each HTTP status. To change a policy, such as what a 503 means, change its row;
everything else reads the table. Two rules come before it:

- The API sends some refusals with status 200 and the real code in the body. Polls and submits then
  look up the code in the body.
- A success whose body is neither the job nor a refusal (a page of HTML, another job) is `NONSENSE`.

A request without an answer is `UNANSWERED`, `UNSENT` if it certainly never reached the host, or
`UNTRUSTED` if that is because of a certificate.

Nothing here raises, whatever the wire brings. What each request makes is a msgspec struct: those are
made in a tenth of the time of an attrs class.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from typing import Final

import attrs
import msgspec

from legnext_stream import errors
from legnext_stream._core.model.decoding import (
    Body,
    decode_body,
    decode_job,
    decode_refusal,
    decode_status,
)
from legnext_stream._core.model.ids import check_job_id, is_same_id
from legnext_stream._core.model.jobs import Job, JobStatus, words_of
from legnext_stream._core.pace.hints import parse_hints
from legnext_stream._core.pace.signals import Outcome, Signal

_LONGEST_RETRY_AFTER = 300.0  # seconds

# ---------------------------------------------------------------- an answer as it came


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, as it came. Times are in seconds on the clock of the Trio run."""

    status_code: int
    headers: Mapping[str, str]  # the headers, with their names in lower case
    content: bytes
    sent_at: float  # when the request was started
    received_at: float  # when the last byte of the body had arrived
    # The same moment by this machine's calendar, in seconds since 1970. Dates in the headers are
    # compared with it if the answer has no `Date` of its own.
    wall_time: float = 0.0


class NoReply(msgspec.Struct, frozen=True):
    """A request that got no usable answer. Times are in seconds on the clock of the Trio run."""

    reason: str  # what went wrong; it names the host
    sent_at: float  # when the request was started
    received_at: float  # when it was given up
    # Whether any part of the request may have reached the host. One that certainly did not can
    # always be repeated, even if it isn't idempotent.
    was_sent: bool = True
    kind: str = "timeout"  # what went wrong in one word, such as "ReadTimeout"
    cause: str = ""  # why, in words that don't name the host, such as "connection refused"
    # Whether the certificate of the host, or of a proxy, can't be verified: that doesn't pass.
    is_untrusted: bool = False


Answer = Reply | NoReply

# ---------------------------------------------------------------- the table


class PollMeaning(enum.Enum):
    """What the answer to a status request means for the job."""

    SEEN = enum.auto()
    """The job, as it is now."""
    MISSING = enum.auto()
    """There is no such job, or it can't be asked about. Believed once it has been repeated."""
    LIMITED = enum.auto()
    """Too many requests. It says nothing about the job."""
    TROUBLED = enum.auto()
    """Trouble that may pass. It says nothing about the job."""
    DENIED = enum.auto()
    """A refusal that concerns every job. It ends the watch."""


class SubmitMeaning(enum.Enum):
    """What the answer to a submit means for the prompt."""

    MADE = enum.auto()
    """There is a job."""
    LIMITED = enum.auto()
    """Too many requests, or too many jobs at once. The submit is repeated until it succeeds."""
    UNSENT = enum.auto()
    """The request never reached the host. The submit is repeated until the timeout."""
    INVALID = enum.auto()
    """There is no job, and the prompt is the reason. Submitting it again can't help."""
    REFUSED = enum.auto()
    """There is no job, for another reason. A later run may submit the prompt again."""
    BROKE = enum.auto()
    """There is no job: the account has run out of credits."""
    DENIED = enum.auto()
    """The API key is not accepted. It ends the batch."""
    UNKNOWN = enum.auto()
    """The request was sent, and the answer doesn't say whether there is a job."""


class DownloadMeaning(enum.Enum):
    """What the answer to a request for a result file means."""

    WHOLE = enum.auto()
    """The file, from its beginning."""
    PART = enum.auto()
    """The part that was asked for."""
    EXPIRED = enum.auto()
    """The URL works no longer. A fresh one is tried, once."""
    BAD_RANGE = enum.auto()
    """There is no such part: the file is not the one whose beginning we have. Start again."""
    TROUBLED = enum.auto()
    """Trouble that may pass. The request is repeated."""
    NO_FILE = enum.auto()
    """The file can't be had."""


class Repeat(enum.Enum):
    """Whether any other single request, such as a balance query, is repeated."""

    NEVER = enum.auto()
    IF_SAFE = enum.auto()
    """If repeating it does no harm. Submitting twice may make, and cost, two jobs."""
    ALWAYS = enum.auto()


class Meaning(msgspec.Struct, frozen=True):
    """One row of the table."""

    codes: Collection[int]
    poll: PollMeaning
    submit: SubmitMeaning
    download: DownloadMeaning
    repeat: Repeat  # whether a single request is repeated
    pace: Outcome  # what the pacer learns from it
    # The class of the exception that stands for it.
    error: type[errors.ApiError | errors.HostUnreachableError | errors.ConfigurationError]


_P, _S, _D, _R, _O = PollMeaning, SubmitMeaning, DownloadMeaning, Repeat, Outcome

# fmt: off
TABLE: Final = (
    #       codes            polls         submits       downloads      other       pace           error
    Meaning({200},           _P.SEEN,      _S.MADE,      _D.WHOLE,      _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning({206},           _P.SEEN,      _S.MADE,      _D.PART,       _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning({400, 413, 422}, _P.MISSING,   _S.INVALID,   _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.InvalidRequestError),
    Meaning({401},           _P.DENIED,    _S.DENIED,    _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.AuthenticationError),
    Meaning({402},           _P.DENIED,    _S.BROKE,     _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.InsufficientCreditsError),
    Meaning({403},           _P.DENIED,    _S.INVALID,   _D.EXPIRED,    _R.NEVER,   _O.ANSWERED,   errors.PermissionDeniedError),
    Meaning({404, 410},      _P.MISSING,   _S.REFUSED,   _D.EXPIRED,    _R.NEVER,   _O.ANSWERED,   errors.NotFoundError),
    Meaning({408},           _P.TROUBLED,  _S.UNKNOWN,   _D.TROUBLED,   _R.IF_SAFE, _O.ANSWERED,   errors.ServerError),
    Meaning({416},           _P.TROUBLED,  _S.REFUSED,   _D.BAD_RANGE,  _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning({429},           _P.LIMITED,   _S.LIMITED,   _D.TROUBLED,   _R.ALWAYS,  _O.LIMITED,    errors.RateLimitError),
    Meaning({503},           _P.TROUBLED,  _S.UNKNOWN,   _D.TROUBLED,   _R.IF_SAFE, _O.OVERLOADED, errors.ServerError),
    # The rest of each class.
    Meaning(range(200, 300), _P.SEEN,      _S.MADE,      _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning(range(300, 400), _P.TROUBLED,  _S.REFUSED,   _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning(range(400, 500), _P.TROUBLED,  _S.REFUSED,   _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError),
    Meaning(range(500, 600), _P.TROUBLED,  _S.UNKNOWN,   _D.TROUBLED,   _R.IF_SAFE, _O.ANSWERED,   errors.ServerError),
)
NONSENSE: Final = (
    Meaning((),              _P.TROUBLED,  _S.UNKNOWN,   _D.NO_FILE,    _R.NEVER,   _O.ANSWERED,   errors.UnexpectedAnswerError)
)
UNANSWERED: Final = (
    Meaning((),              _P.TROUBLED,  _S.UNKNOWN,   _D.TROUBLED,   _R.IF_SAFE, _O.FAILED,     errors.HostUnreachableError)
)
UNSENT: Final = (
    Meaning((),              _P.TROUBLED,  _S.UNSENT,    _D.TROUBLED,   _R.ALWAYS,  _O.FAILED,     errors.HostUnreachableError)
)
UNTRUSTED: Final = (
    Meaning((),              _P.DENIED,    _S.DENIED,    _D.NO_FILE,    _R.NEVER,   _O.FAILED,     errors.ConfigurationError)
)
# fmt: on

_BY_CODE: Final = {code: row for row in reversed(TABLE) for code in row.codes}


def meaning_of_code(code: int) -> Meaning:
    """The row for an HTTP status; `NONSENSE` for a number that is none."""
    return _BY_CODE.get(code, NONSENSE)


def meaning_of(answer: Answer) -> Meaning:
    """The row for an answer, by its HTTP status alone."""
    if isinstance(answer, NoReply):
        if answer.is_untrusted:
            return UNTRUSTED
        return UNANSWERED if answer.was_sent else UNSENT
    return _BY_CODE.get(answer.status_code, NONSENSE)


def may_repeat(answer: Answer, *, is_safe: bool) -> bool:
    """Whether a single request that got this answer is repeated; `is_safe` if that does no harm."""
    repeat = meaning_of(answer).repeat
    return repeat is Repeat.ALWAYS or (is_safe and repeat is Repeat.IF_SAFE)


# ---------------------------------------------------------------- reading an answer


class Observation(msgspec.Struct, frozen=True):
    """What one poll, or one callback, told us about a job."""

    job_id: str  # the job that was asked about
    meaning: PollMeaning  # what the answer means
    answer: Answer
    body: Body | None = None  # the job's decoded body, if it was seen
    status: JobStatus | None = None  # its status, if it was seen
    error: errors.LegnextError | None = None  # the answer as an error, if the job was not seen
    # Whether the answer certainly comes from the API, and not from a proxy, a captive portal or a
    # wrong host.
    recognised: bool = True
    # Whether a callback with a valid signature reported it and no poll was made. The answer then
    # only says when the callback came.
    is_reported: bool = False


@attrs.frozen(kw_only=True)
class SubmitAnswer:
    """What the answer to a submit told us."""

    meaning: SubmitMeaning
    job: Job | None = None  # the job, if there is one
    error: errors.LegnextError | None = None  # the answer as an error, if there is none


def reported(job_id: str, body: Body, status: JobStatus, received_at: float) -> Observation:
    """What a callback with a valid signature, received at this time on Trio's clock, told us."""
    answer = Reply(200, {}, b"", received_at, received_at)
    return Observation(job_id, PollMeaning.SEEN, answer, body, status, is_reported=True)


def read_poll(job_id: str, answer: Answer) -> Observation:
    """Read the answer to a status request."""
    if isinstance(answer, NoReply):
        poll, error = meaning_of(answer).poll, error_of(answer)
        return Observation(job_id, poll, answer, error=error, recognised=False)
    body = decode_body(answer.content)
    code = answer.status_code
    if 200 <= code < 300:
        if body is None:
            return _nonsense(job_id, answer, "an answer that is not JSON")
        if is_same_id(body.get("job_id"), job_id):
            status = decode_status(body.get("status"))
            if status is None:
                return _nonsense(job_id, answer, "a job without a status")
            return Observation(job_id, PollMeaning.SEEN, answer, body, status)
        refused = _refusal_code(body)
        if refused is None:
            return _nonsense(job_id, answer, "an answer about something else")
        code = refused
    error = _refusal(code, answer.content, body)
    recognised = body is not None and not _is_redirect(code)
    return Observation(
        job_id, meaning_of_code(code).poll, answer, error=error, recognised=recognised
    )


def read_submit(answer: Answer) -> SubmitAnswer:
    """Read the answer to a submit."""
    if isinstance(answer, NoReply):
        return SubmitAnswer(meaning=meaning_of(answer).submit, error=error_of(answer))
    body = decode_body(answer.content)
    code = answer.status_code
    if 200 <= code < 300:
        job = None if body is None else _new_job(body)
        if job is not None:
            return SubmitAnswer(meaning=SubmitMeaning.MADE, job=job)
        refused = None if body is None else _refusal_code(body)
        if refused is None:
            error = _unexpected(
                f"the host answered {code}, but with something that is not a job", answer
            )
            return SubmitAnswer(meaning=NONSENSE.submit, error=error)
        code = refused
    error = _refusal(code, answer.content, body)
    return SubmitAnswer(meaning=meaning_of_code(code).submit, error=error)


def signal_of(
    answer: Answer, *, limited: bool | None = None, sent_at: float | None = None
) -> Signal:
    """What the pacer learns from an answer.

    Args:
        answer: The answer.
        limited: Whether it is a refusal for too many requests; None if its HTTP status says so.
            The body may say so whatever the status is. A submit may have been refused for too many
            jobs at once, which is no matter of the pace.
        sent_at: When the pacer was told that the request starts, in seconds; None if that is when it
            was sent.
    """
    sent_at = answer.sent_at if sent_at is None else sent_at
    latency = answer.received_at - sent_at
    meaning = meaning_of(answer)
    outcome = meaning.pace
    if isinstance(answer, NoReply):
        return Signal(outcome, None, sent_at, latency)
    if limited:
        outcome = Outcome.LIMITED
    elif limited is False and meaning.poll is PollMeaning.LIMITED:
        outcome = Outcome.ANSWERED
    return Signal(outcome, parse_hints(answer.headers, answer.wall_time), sent_at, latency)


def retry_after(answer: Answer) -> float:
    """How long an answer asks us to wait, in seconds; 0 if it doesn't. At most five minutes."""
    if isinstance(answer, NoReply):
        return 0.0
    seconds = parse_hints(answer.headers, answer.wall_time).retry_after
    return 0.0 if seconds is None else min(seconds, _LONGEST_RETRY_AFTER)


def error_of(answer: Answer, *, is_safe: bool = True) -> errors.LegnextError:
    """The exception that stands for an answer that is no success; `is_safe` as for `may_repeat`."""
    if isinstance(answer, Reply):
        return _refusal(answer.status_code, answer.content, decode_body(answer.content))
    if answer.is_untrusted:
        return errors.ConfigurationError(answer.reason)
    if is_safe or not answer.was_sent:
        return errors.HostUnreachableError(answer.reason)
    return errors.SubmitUnknownError(f"{answer.reason}; the job may exist all the same")


def _is_redirect(code: int) -> bool:
    return 300 <= code < 400


def _refusal(code: int, content: bytes, body: Body | None) -> errors.LegnextError:
    """The exception for an answer with this code and body."""
    text = f"the API answered {code}"
    if _is_redirect(code):
        text = f"the host gave a redirect ({code}), which is never followed"
    refusal = decode_refusal(body)
    if refusal is not None:
        # Its code is only worth a word if it is another.
        said = words_of(refusal) if refusal.code == code else str(refusal)
        text = f"{text}: {said}" if said else text
    return meaning_of_code(code).error(text, status_code=code, content=content)


def _refusal_code(body: Body) -> int | None:
    """The code of a refusal that came with status 200; None if the body is no refusal."""
    refusal = None if body.get("job_id") else decode_refusal(body)
    return refusal.code if refusal is not None and 400 <= refusal.code < 600 else None


def _nonsense(job_id: str, reply: Reply, what: str) -> Observation:
    error = _unexpected(f"the host gave {what}", reply)
    return Observation(job_id, NONSENSE.poll, reply, error=error, recognised=False)


def _unexpected(text: str, reply: Reply) -> errors.LegnextError:
    return NONSENSE.error(text, status_code=reply.status_code, content=reply.content)


def _new_job(body: Body) -> Job | None:
    """The job that a submit has made; None if the body is no job."""
    if decode_status(body.get("status")) is None:
        return None
    try:
        # The id becomes part of URL paths, and perhaps of file names.
        check_job_id(body.get("job_id"))
    except errors.InvalidJobId:
        return None
    return decode_job(body)
