"""The saved file: one result of a job, on disk."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class SavedFile:
    """One result of a job, whole on disk.

    Attributes:
        url: Where it came from, without its query, which may be a signature.
        path: Where it is.
        size: Its length, bytes.
        media_type: What it is by its own first bytes: `"image/png"`, `"image/jpeg"`,
            `"image/webp"`, `"image/gif"`, `"video/mp4"` or `"video/webm"`.
        was_there: Whether it was there already, and was kept.
    """

    url: str
    path: Path
    size: int
    media_type: str
    was_there: bool
