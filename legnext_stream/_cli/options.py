"""The options that several commands have, and what they take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter, Token

from legnext_stream._cli.exits import PROGRAM
from legnext_stream._core.pacing import Pacing

MORE = f"`{PROGRAM} --help` has examples, the environment and the exit statuses."
"""What the help of each command ends with."""

_PACING = Group("Pacing", help="When and how fast to ask. The defaults suit an unknown account.")


def _seconds_or_never(_: type, tokens: Sequence[Token]) -> float | None:
    """`600`, `0` or `none`. What it raises, the parser puts into words."""
    text = tokens[0].value.strip().lower()
    seconds = math.inf if text in {"none", "never"} else float(text)
    if not seconds >= 0:
        raise ValueError("seconds are 0 or more; 0 or none for never")
    return seconds if 0 < seconds < math.inf else None


def _no_option(_: type, source: str | None) -> None:
    """The parser lets a hyphen in for the sake of `-`; what else begins with one is a mistake."""
    if source is not None and source.startswith("-") and source != "-":
        raise ValueError(f"There is no option {source}.")


Source = Annotated[
    str | None, Parameter(name="FILE", allow_leading_hyphen=True, validator=_no_option)
]
"""A file, or `-` for standard input."""

Json = Annotated[bool, Parameter(negative="", show_default=False)]
"""Whether to write JSON."""

BaseUrl = Annotated[str | None, Parameter(env_var="LEGNEXT_BASE_URL")]
"""Where the API is."""

Timeout = Annotated[float | None, Parameter(converter=_seconds_or_never)]
"""Seconds, or none."""

Report = Annotated[Path | None, Parameter(name="--report")]
"""The file of a report."""

PacingOptions = Annotated[Pacing, Parameter(name="*", group=_PACING)]
"""All that `Pacing` has, an option each."""
