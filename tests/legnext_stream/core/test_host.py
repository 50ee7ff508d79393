"""What the answers about all jobs say about the host."""

from __future__ import annotations

import pytest

from legnext_stream._core.answers import NoReply, Observation, PollMeaning, Reply, read_poll
from legnext_stream._core.host import Host
from legnext_stream.errors import (
    AuthenticationError,
    ConfigurationError,
    HostUnreachableError,
)

DATE = "Thu, 01 Jan 2026 00:00:{:02d} GMT"
NEW_YEAR = 1767225600.0


def silence(since: float, until: float) -> Observation:
    """A request that got no answer."""
    return read_poll("job", NoReply("nobody at host", since, until))


def answer(date: str, at: float, content: bytes = b"{}") -> Observation:
    """An answer that carries a date."""
    return read_poll("job", Reply(404, {"date": date}, content, at - 0.1, at))


def test_its_clock_is_read_off_its_dates() -> None:
    """Many answers, of the same second and of others, narrow the offset of its clock."""
    host = Host(60.0)
    assert host.clock.local(NEW_YEAR) is None
    for tenth in range(100):
        at = tenth / 10
        host.observe(at, answer(DATE.format(int(at)), at))
    local = host.clock.local(NEW_YEAR)
    assert local == pytest.approx(0.0, abs=0.2)


def test_other_dates_say_nothing() -> None:
    """A missing or unreadable `Date` is ignored."""
    host = Host(60.0)
    host.observe(0.0, answer("yesterday", 0.0))
    host.observe(0.0, answer("", 0.0))
    assert host.clock.local(NEW_YEAR) is None


def test_silence_ends_the_watch_after_the_timeout() -> None:
    """It counts from the start of the first unanswered request, and any answer ends it."""
    host = Host(60.0)
    host.observe(10.0, silence(0.0, 10.0))
    host.observe(59.0, silence(49.0, 59.0))
    host.observe(59.5, answer("", 59.5))
    host.observe(70.0, silence(60.0, 70.0))
    host.observe(119.0, silence(118.0, 119.0))
    with pytest.raises(HostUnreachableError, match="no answer for 60 s: nobody at host"):
        host.observe(120.0, silence(119.0, 120.0))


def untrusted() -> Observation:
    """A request that was not sent, because of the host's certificate."""
    return read_poll("job", NoReply("self-signed", 0.0, 1.0, was_sent=False, is_untrusted=True))


def test_a_refusal_of_every_job_is_raised() -> None:
    """Other answers are not."""
    host = Host(60.0)
    host.check(silence(0.0, 1.0))
    with pytest.raises(AuthenticationError):
        host.check(read_poll("job", Reply(401, {}, b"{}", 0.0, 1.0)))


def test_a_certificate_ends_a_watch_unless_the_api_has_answered() -> None:
    """Later, another machine may answer for the API for a while, such as a hotel's."""
    host = Host(60.0)
    with pytest.raises(ConfigurationError, match="self-signed"):
        host.check(untrusted())
    host.observe(0.0, answer("", 0.0))
    host.check(untrusted())


def test_it_is_the_api_after_one_recognised_answer() -> None:
    """One answer that certainly comes from the API is enough."""
    host, told = Host(60.0), []
    for at, content in enumerate((b"<html>", b"{}", b"<html>")):
        host.observe(at, answer("", at, content))
        told.append(host.is_api)
    assert told == [False, True, True]
    assert answer("", 1.0).meaning is PollMeaning.MISSING
