"""Messages and attempts for tests of decisions about them."""

from __future__ import annotations

from hypothesis import strategies as st

from mockserver._serving.webhooks.planning import Attempt, Message

URLS = ("https://example.org/a", "https://example.org/b")


def message(changed_at: float = 40.0, url: str = URLS[0], number: int = 0) -> Message:
    """A message that a job has completed."""
    return Message("job", "completed", number, changed_at, url, b"{}")


def attempts() -> st.SearchStrategy[Attempt]:
    """First attempts, some of which wait to be overtaken."""

    def attempt(url: str, changed_at: float, delay: float, patience: float | None) -> Attempt:
        at = changed_at + delay
        waits_until = None if patience is None else at + patience
        return Attempt(message(changed_at, url), at, overtaken_by=waits_until)

    seconds = st.integers(0, 20).map(float)
    return st.builds(attempt, st.sampled_from(URLS), seconds, seconds, st.none() | seconds)
