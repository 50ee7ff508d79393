"""What is logged, all under one name, `legnext_stream`: silent until the program sets up logging.

INFO is the beginning and the end of a watch, WARNING what whoever runs the program should know, DEBUG
each request. The key is in none of it, for it is in none of what these are made of.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final

from legnext_stream._core.answers import Answer, NoReply, Reply, meaning_of
from legnext_stream._core.pace.signals import Outcome
from legnext_stream._core.stats import Tally

if TYPE_CHECKING:
    from legnext_stream._http import Request

LOGGER: Final = logging.getLogger("legnext_stream")
LOGGER.addHandler(logging.NullHandler())

# Of what goes on and on, a word at most so often, seconds; and how long a host is given to answer.
_AGAIN: Final = 60.0
_PATIENCE: Final = 10.0


class Log:
    """Follows the answers to one account's requests, and says what is wrong with them.

    Args:
        base_url: Where the requests go.
    """

    __slots__ = (
        "_base_url",
        "_is_detailed",
        "_refusals",
        "_silent_since",
        "_told_at",
        "_warned_at",
    )

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        # Asked once: to ask at each request would cost all those who never look.
        self._is_detailed = LOGGER.isEnabledFor(logging.DEBUG)
        self._refusals = 0
        self._warned_at = -math.inf
        self._silent_since: float | None = None
        self._told_at = -math.inf

    def heard(self, request: Request, answer: Answer, rate: float) -> None:
        """A request has ended.

        Args:
            request: The request.
            answer: What came of it.
            rate: How many a second were allowed by then.
        """
        if isinstance(answer, NoReply):
            self._silence(answer)
        else:
            if self._silent_since is not None:
                self._speaks_again(answer.received_at)
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

    def _silence(self, answer: NoReply) -> None:
        now = answer.received_at
        if self._silent_since is None:
            self._silent_since = answer.sent_at
        silent = now - self._silent_since
        if silent >= _PATIENCE and now - self._told_at >= _AGAIN:
            LOGGER.warning("no answer for %.0f s; the last: %s", silent, answer.reason)
            self._told_at = now

    def _speaks_again(self, now: float) -> None:
        if self._silent_since is not None and self._told_at > self._silent_since:
            LOGGER.info("%s answers again after %.0f s", self._base_url, now - self._silent_since)
        self._silent_since, self._told_at = None, -math.inf


def watch_began(base_url: str) -> None:
    """A watch begins."""
    LOGGER.info("a watch of %s begins", base_url)


def watch_ended(base_url: str, tally: Tally, failure: Exception | None) -> None:
    """A watch is over, with what it has counted and what ended it, if not the last job."""
    if not LOGGER.isEnabledFor(logging.INFO):
        return
    ended = sum(number for status, number in tally.jobs.items() if status.is_terminal)
    LOGGER.info(
        "the watch of %s is over: %d jobs ended, %d did not, %d polls%s",
        base_url,
        ended,
        sum(tally.jobs.values()) + tally.unseen - ended,
        tally.polls,
        "" if failure is None else f"; {type(failure).__name__}: {failure}",
    )


def journal_resumed(jobs: int, left: int) -> None:
    """A watch goes on from a journal with so many jobs, of which some are left."""
    LOGGER.warning("resumed from a journal: %d jobs, %d of them have not ended", jobs, left)
