"""The URLs of results, and how long they work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legnext_stream import Job, Output
from legnext_stream._core.results.urls import (
    expires_at,
    has_expired,
    is_temporary,
    results_of,
    soon_gone,
    without_query,
)


def job(**output: object) -> Job:
    """A job with this output."""
    return Job(job_id="a", output=Output(**output))  # type: ignore[arg-type] # a table's


def test_results() -> None:
    """Images and videos in their order; the grid only on request, or if it is the only one."""
    four = job(image_url="g", image_urls=("0", "1"), video_urls=("v",))
    assert results_of(four) == ("0", "1", "v")
    assert results_of(four, grid=True) == ("0", "1", "v", "g")
    assert results_of(job(image_url="g")) == ("g",)
    assert results_of(job(image_url="0", image_urls=("0",)), grid=True) == ("0",)
    assert results_of(job(), grid=True) == ()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/b/c.png?Signature=secret#top", "https://a.example/b/c.png"),
        ("https://user:secret@a.example/b@c.png", "https://a.example/b@c.png"),
        ("https://user:secret@a.example", "https://a.example"),
        ("https://a.example/b@c?x", "https://a.example/b@c"),
        ("no url @ all", "no url @ all"),
        ("", ""),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    """Neither its query nor a user."""
    assert without_query(url) == shown


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("Expires=1767225600&Signature=abc", 1767225600.0),
        ("expires=1767225600", 1767225600.0),
        ("X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600", 1767229200.0),
        ("Expires=soon", None),
        ("Expires=-1", None),
        ("Expires=9999999999999999", None),
        ("X-Amz-Date=20261301T000000Z&X-Amz-Expires=3600", None),
        ("X-Amz-Date=20260101&X-Amz-Expires=3600", None),
        ("X-Amz-Expires=3600", None),
        ("&".join(["a=b"] * 200), None),
        ("", None),
    ],
)
def test_when_a_url_expires(query: str, at: float | None) -> None:
    """By both kinds of signatures; what is malformed is ignored."""
    url = f"https://a.example/b.png?{query}"
    assert expires_at(url) == at
    assert has_expired(url, 2e9) is (at is not None)
    assert not has_expired(url, 1e9)


def test_soon_gone() -> None:
    """Within the hour, or within a day under `/temp/`."""
    url = "https://a.example/b.png?Expires=10000"
    assert soon_gone(url, 9940) == "expire in 60 s"
    assert soon_gone(url, 6000) is None
    assert soon_gone(url, 10000) is None
    assert soon_gone("https://a.example/b.png", 0) is None
    temporary = soon_gone("https://a.example/temp/b.png", 0)
    assert temporary is not None
    assert "/temp/" in temporary
    assert not is_temporary("https://a.example/b.png?from=/temp/")


@given(st.text(), st.floats(0, 2e9))
def test_any_text(url: str, present: float) -> None:
    """Nothing raises, whatever stands for a URL."""
    without_query(url)
    soon_gone(f"https://a.example/?{url}", present)
    has_expired(url, present)
