"""The URLs of a job's results, and how long they work.

The URLs come from the API and may be anything, so nothing here raises for what is in one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

from legnext_stream._core.model.jobs import Job

MOST_RESULTS = 64
"""How many results of a job are downloaded at most. The API makes four."""

SOON = 3600.0
"""A URL that works for less than this is about to expire, in seconds."""

_MOST_FIELDS = 100
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_STAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


def results_of(job: Job, *, grid: bool = False) -> tuple[str, ...]:
    """The URLs of a job's results, images before videos, in the API's order.

    The grid image comes last. It is there if `grid` is set, or if it is the only one.
    """
    output = job.output
    single = output.image_urls + output.video_urls
    if output.image_url and (not single or (grid and output.image_url not in single)):
        return (*single, output.image_url)
    return single


def without_query(url: str) -> str:
    """A URL without what must not be shown or kept: a query may be a signature, a user a secret."""
    shown = url.partition("#")[0].partition("?")[0]
    scheme, found, rest = shown.partition("://")
    host, slash, path = rest.partition("/")
    if not found or "@" not in host:
        return shown
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def expires_at(url: str) -> float | None:
    """When a URL stops working according to its query, in seconds since 1970; None if not given.

    Supported are `Expires=` with seconds since 1970 (CloudFront, and the older signatures of S3, which
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
    """Whether a URL is under `/temp/`, where the API deletes files within a day."""
    return "/temp/" in without_query(url)


def soon_gone(url: str, present: float) -> str | None:
    """How soon a URL stops working, in words; None if that isn't soon, or isn't known.

    The time `present` is in seconds since 1970.
    """
    at = expires_at(url)
    if at is not None and 0 < at - present < SOON:
        return f"expire in {at - present:.0f} s"
    return "lie under /temp/ and vanish within a day" if is_temporary(url) else None


def has_expired(url: str, present: float) -> bool:
    """Whether a URL has stopped working according to its query."""
    at = expires_at(url)
    return at is not None and at <= present
