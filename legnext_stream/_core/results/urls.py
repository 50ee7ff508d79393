"""Where a job's results lie, and for how long they can be had there.

Everything here comes from the wire: a URL may be anything, so nothing raises for what is in one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from legnext_stream._core.model.jobs import Job

MOST_RESULTS = 64
"""More results than that a job can't have: four is what the API makes."""

SOON = 3600.0
"""A URL that works for less than that is about to expire, seconds."""

_MOST_FIELDS = 100
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


def results_of(job: Job, *, grid: bool = False) -> tuple[str, ...]:
    """The URLs of a job's results, images before videos, in the API's order.

    Args:
        job: The job.
        grid: Whether the grid image comes last, besides. Where it is all there is, it always comes.
    """
    output = job.output
    single = output.image_urls + output.video_urls
    if output.image_url and (not single or (grid and output.image_url not in single)):
        return (*single, output.image_url)
    return single


def without_query(url: str) -> str:
    """A URL as it may be shown and kept: its query may be a signature, a user in it a secret."""
    shown = url.partition("#")[0].partition("?")[0]
    scheme, found, rest = shown.partition("://")
    host, slash, path = rest.partition("/")
    if not found or "@" not in host:
        return shown
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def expires_at(url: str) -> float | None:
    """When a URL stops working by what its query says, seconds since 1970; None if it doesn't say.

    Understood: `Expires=` with seconds since 1970 (CloudFront, and the older signatures of S3, which
    the API's result URLs have), and `X-Amz-Date` with `X-Amz-Expires` (AWS Signature Version 4).
    """
    query = url.partition("#")[0].partition("?")[2]
    try:
        said = {
            name.lower(): value for name, value in parse_qsl(query, max_num_fields=_MOST_FIELDS)
        }
    except ValueError:
        return None
    if _SECONDS.fullmatch(until := said.get("expires", "")):
        return float(until)
    signed_at, seconds = said.get("x-amz-date", ""), said.get("x-amz-expires", "")
    if not (_STAMP.fullmatch(signed_at) and _SECONDS.fullmatch(seconds)):
        return None
    try:
        begun = datetime.strptime(signed_at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return begun.timestamp() + float(seconds)


def is_temporary(url: str) -> bool:
    """Whether it lies under `/temp/`, from where the API removes files within a day."""
    return "/temp/" in without_query(url)


def soon_gone(url: str, present: float) -> str | None:
    """How long a URL still works, in words, if that isn't long; None if it is, or isn't known.

    Args:
        url: The URL.
        present: The time, seconds since 1970.
    """
    at = expires_at(url)
    if at is not None and 0 < at - present < SOON:
        return f"expire in {at - present:.0f} s"
    return "lie under /temp/ and vanish within a day" if is_temporary(url) else None


def has_expired(url: str, present: float) -> bool:
    """Whether a URL is past the time that it says itself."""
    at = expires_at(url)
    return at is not None and at <= present
