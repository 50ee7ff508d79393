"""Logging, all under the name `legnext_stream`: silent until the program sets up logging.

INFO is for the beginning and end of a watch, WARNING for trouble that the user should know of, DEBUG
for each request. No record contains the API key, because nothing that is logged does.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

from legnext_stream._core.answers import Answer, NoReply, Reply, may_repeat, meaning_of
from legnext_stream._core.pace.signals import Outcome
from legnext_stream._core.stats import Tally

if TYPE_CHECKING:
    from legnext_stream._http import Request

LOGGER: Final = logging.getLogger("legnext_stream")
LOGGER.addHandler(logging.NullHandler())
RETRYING: Final = "retrying: %s (%s)"
"""The message about a request that is sent again, not because of a limit. The command line shows it."""
BELOW_DEBUG: Final = 5
"""Its level: programs have their answer in `stats`, or as an exception."""

# How long ongoing trouble is not logged again, in seconds.
_AGAIN: Final = 60.0
# How long a host may be silent before that is logged, in seconds.
_PATIENCE: Final = 10.0


class Log:
    """Logs the requests of one account, and trouble with them."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        # Checked once: checking at each request would cost programs that don't log.
        self._is_detailed = LOGGER.isEnabledFor(logging.DEBUG)
        self._refusals = 0
        self._troubles = 0  # in a row, of answers
        self._warned_at = -math.inf
        self._silent_since: float | None = None
        self._silence_logged_at = -math.inf
        # Whether there has been any answer.
        self.has_answered: bool = False

    def request_ended(self, request: Request, answer: Answer, rate: float) -> None:
        """Log a request that has ended, while `rate` requests a second were allowed."""
        if isinstance(answer, NoReply):
            self._silence(request, answer)
        else:
            self.has_answered = True
            self._trouble(request, answer)
            if self._silent_since is not None:
                self._answers_again(answer.received_at)
            if meaning_of(answer).pace is Outcome.LIMITED:
                self._refused(answer.received_at, rate)
        if self._is_detailed:
            took = answer.received_at - answer.sent_at
            came = answer.status_code if isinstance(answer, Reply) else answer.reason
            LOGGER.debug("%s %s: %s after %.3f s", request.method, request.path, came, took)

    def _refused(self, now: float, rate: float) -> None:
        self._refusals += 1
        if now - self._warned_at >= _AGAIN:
            self._warned_at = now
            LOGGER.warning(
                "%s answers 429, too many requests (%d so far); slowing down from %.3g a second",
                self._base_url,
                self._refusals,
                rate,
            )

    def _trouble(self, request: Request, answer: Reply) -> None:
        """Say why a request is repeated, if the one before was to be repeated as well."""
        is_repeated = may_repeat(answer, is_safe=request.method == "GET")
        if not is_repeated or meaning_of(answer).pace is Outcome.LIMITED:
            self._troubles = 0
            return
        self._troubles += 1
        if self._troubles > 1:
            said = f"the host answers {answer.status_code}"
            LOGGER.log(BELOW_DEBUG, RETRYING, said, self._base_url)

    def _silence(self, request: Request, answer: NoReply) -> None:
        now = answer.received_at
        # Of a host that has answered before, a single lost request isn't worth a word.
        is_news = self._silent_since is not None or not self.has_answered
        is_repeated = may_repeat(answer, is_safe=request.method == "GET")
        if is_news and is_repeated:
            LOGGER.log(BELOW_DEBUG, RETRYING, answer.cause or answer.kind, self._base_url)
        if self._silent_since is None:
            self._silent_since = answer.sent_at
        silent = now - self._silent_since
        if silent >= _PATIENCE and now - self._silence_logged_at >= _AGAIN:
            LOGGER.warning("no answer for %.0f s; the last error: %s", silent, answer.reason)
            self._silence_logged_at = now

    def _answers_again(self, now: float) -> None:
        if self._silent_since is not None and self._silence_logged_at > self._silent_since:
            LOGGER.info("%s answers again after %.0f s", self._base_url, now - self._silent_since)
        self._silent_since, self._silence_logged_at = None, -math.inf


class CallbackLog:
    """Logs the callbacks that a receiver refuses, of each kind one in a minute: anyone can send them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # When one of a kind was logged last, and how many of it were refused since.
        self._logged: dict[str, float] = {}
        self._since: Counter[str] = Counter()

    def refused(self, now: float, kind: str, reason: str) -> None:
        """Log a callback that was refused. `now` is in seconds."""
        with self._lock:
            self._since[kind] += 1
            if 0 <= now - self._logged.get(kind, -math.inf) < _AGAIN:
                return
            self._logged[kind] = now
            count = self._since.pop(kind)
        more = f" ({count - 1} more since the last such line)" if count > 1 else ""
        LOGGER.warning("refused a callback: %s%s", reason, more)


def watch_ended(base_url: str, tally: Tally, failure: Exception | None) -> None:
    """Log the end of a watch: what it has counted, and the error that ended it."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    ended = sum(number for status, number in tally.jobs.items() if status.is_terminal)
    LOGGER.info(
        "stopped watching jobs at %s: %d jobs ended, %d did not, %d polls%s",
        base_url,
        ended,
        sum(tally.jobs.values()) + tally.unseen - ended,
        tally.polls,
        "" if failure is None else f"; {type(failure).__name__}: {failure}",
    )
