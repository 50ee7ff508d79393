"""What all answers together say about the host: its clock, and whether it is the API."""

from __future__ import annotations

from legnext_stream._core.answers import NoReply, Observation, PollMeaning, Reply
from legnext_stream._core.pace.hints import parse_http_date
from legnext_stream._core.server_clock import ServerClock
from legnext_stream.errors import HostUnreachableError


class Host:
    """The host that a watch polls. It may give no answer at all for `timeout` seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.clock: ServerClock = ServerClock()
        self.is_api: bool = False  # whether any answer certainly came from the API
        self._silent_since: float | None = None
        self._date_text = ""
        self._date: float | None = None

    def check(self, seen: Observation) -> None:
        """Look for a refusal that concerns every job.

        Raises:
            ApiError: The API refuses (401, 402, 403).
            ConfigurationError: The certificate can't be verified, and there has been no answer of the
                API. After one, another machine answers for it, which may pass.
        """
        if seen.meaning is PollMeaning.DENIED and seen.error is not None:
            may_pass = isinstance(seen.answer, NoReply) and self.is_api
            if not may_pass:
                raise seen.error

    def observe(self, attentive: float, seen: Observation) -> None:
        """Take in an answer, or that there was none.

        The time is on a clock that stops while the consumer keeps the watch from polling.

        Raises:
            HostUnreachableError: There has been no answer at all for the whole timeout.
        """
        answer = seen.answer
        if isinstance(answer, NoReply):
            if self._silent_since is None:
                self._silent_since = attentive - (answer.received_at - answer.sent_at)
            silent = attentive - self._silent_since
            if silent >= self._timeout:
                raise HostUnreachableError(f"no answer for {silent:.0f} s: {answer.reason}")
        else:
            self._silent_since = None
            self._read_date(answer)
            self.is_api = self.is_api or seen.recognised

    def _read_date(self, answer: Reply) -> None:
        """Learn what an answer's `Date` says about the clock."""
        text = answer.headers.get("date", "")
        # Dates are in whole seconds: most answers have the same one as the answer before.
        if text != self._date_text:
            self._date_text, self._date = text, parse_http_date(text)
        if self._date is not None:
            self.clock.dated(self._date, answer.sent_at, answer.received_at)
