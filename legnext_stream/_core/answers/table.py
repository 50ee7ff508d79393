"""The one table of what an answer means: for polls, submits, downloads, other requests, and the pace.

To change a policy, such as what a 503 means, change its row here. Everything else reads the table.

An answer is looked up by its HTTP status. Two rules come before that:

- The API sends some refusals with status 200 and the real code in the body. Polls and submits then
  look up the code in the body.
- A success whose body is neither the job nor a refusal (a page of HTML, another job) is `NONSENSE`.

A request without an answer is `UNANSWERED`, or `UNSENT` if it certainly never reached the host.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Final

import msgspec

from legnext_stream import errors
from legnext_stream._core.answers.reply import Answer, NoReply
from legnext_stream._core.pace.signals import Outcome


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
    """One row of the table.

    Attributes:
        codes: The HTTP statuses it is for.
        poll: What it means for a status request.
        submit: What it means for a submit.
        download: What it means for a download.
        repeat: Whether a single request is repeated.
        pace: What the pacer learns from it.
        error: The class of the exception that stands for it.
    """

    codes: Collection[int]
    poll: PollMeaning
    submit: SubmitMeaning
    download: DownloadMeaning
    repeat: Repeat
    pace: Outcome
    error: type[errors.ApiError | errors.HostUnreachableError]


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
# fmt: on

_BY_CODE: Final = {code: row for row in reversed(TABLE) for code in row.codes}


def meaning_of_code(code: int) -> Meaning:
    """The row for an HTTP status; `NONSENSE` for a number that is none."""
    return _BY_CODE.get(code, NONSENSE)


def meaning_of(answer: Answer) -> Meaning:
    """The row for an answer, by its HTTP status alone."""
    if isinstance(answer, NoReply):
        return UNANSWERED if answer.was_sent else UNSENT
    return _BY_CODE.get(answer.status_code, NONSENSE)


def may_repeat(answer: Answer, *, is_safe: bool) -> bool:
    """Whether a single request that got this answer is repeated.

    Args:
        answer: The answer.
        is_safe: Whether repeating the request does no harm.
    """
    repeat = meaning_of(answer).repeat
    return repeat is Repeat.ALWAYS or (is_safe and repeat is Repeat.IF_SAFE)
