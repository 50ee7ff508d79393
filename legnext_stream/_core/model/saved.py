"""A saved file: one result of a job, on disk."""

from __future__ import annotations

from pathlib import Path

import attrs


@attrs.frozen(kw_only=True)
class SavedFile:
    """One complete result of a job on disk.

    Attributes:
        url: Its URL, without the query, which may be a signature.
        path: The file.
        size: Its size, in bytes.
        media_type: Its media type by its first bytes: `"image/png"`, `"image/jpeg"`, `"image/webp"`,
            `"image/gif"`, `"video/mp4"` or `"video/webm"`.
        was_there: Whether the file existed already, and was kept.
    """

    url: str
    path: Path
    size: int
    media_type: str
    was_there: bool
