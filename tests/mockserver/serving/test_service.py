"""The state that the routes share."""

from __future__ import annotations

from mockserver import MockLegnext


def test_an_error_is_kept_once() -> None:
    """An error that is reported twice is kept once; two equal errors are two."""
    service = MockLegnext()._service
    first, second = ValueError("a"), ValueError("a")
    for error in (first, first, second):
        service.note_crash(error)
    assert service.crashes == [first, second]


def test_keys() -> None:
    """Any key is accepted, or only the configured ones; a missing one never is."""
    anybody, somebody = MockLegnext()._service, MockLegnext(api_keys=["key"])._service
    assert [anybody.accepts(key) for key in ("key", "other", "")] == [True, True, False]
    assert [somebody.accepts(key) for key in ("key", "other", "")] == [True, False, False]
