"""The options that several commands have. Each is declared, and described for `--help`, once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Group, Parameter, Token
from cyclopts.validators import Number

from legnext_stream._core.pacing import Pacing
from legnext_stream._options import WatchOptions

_PACING = Group("Pacing", help="When and how fast to poll. The defaults suit an unknown account.")


def _seconds_or_never(_: type, tokens: Sequence[Token]) -> float | None:
    """`600`, `0` or `none`. The parser puts its ValueError into words."""
    text = tokens[0].value.strip().lower()
    try:
        seconds = math.inf if text in {"none", "never"} else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise ValueError(f"it must be a number of seconds, or none, and not {tokens[0].value!r}")
    return seconds if 0 < seconds < math.inf else None


def _no_option(_: type, source: str | None) -> None:
    """Refuse an unknown option: a leading hyphen is allowed only for the sake of `-`."""
    if source is not None and source.startswith("-") and source != "-":
        raise ValueError(f"There is no option {source}.")


Source = Annotated[
    str | None, Parameter(name="FILE", allow_leading_hyphen=True, validator=_no_option)
]
"""A file, or `-` for standard input."""

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value."""

Ids = Annotated[tuple[str, ...], Parameter(name="--id", negative="", show_default=False)]
"""Job ids, by an option that may be repeated."""

Count = Annotated[int, Parameter(validator=Number(gte=1))]
"""A number from 1."""

PacingOptions = Annotated[Pacing, Parameter(name="*", group=_PACING)]
"""Each setting of `Pacing` as an option."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ApiOptions:
    """The options of all commands that call the API.

    Attributes:
        json: Write JSON, one object a line, even on a terminal.
        base_url: The URL of the API, if it isn't https://api.legnext.ai.
    """

    json: Flag = False
    base_url: Annotated[str | None, Parameter(env_var="LEGNEXT_BASE_URL")] = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class FollowOptions(ApiOptions):
    """The options of the commands that follow jobs.

    Attributes:
        timeout: How long a job may run, and how long all jobs may stay without any change, in
            seconds; 0 or none for no limit.
        journal: A file that records what has been done. To resume after an interruption, run the
            command again with the same file; FILE may then be left out.
        report: Write a page about the batch to this file at the end, even after Ctrl-C or an error.
        pacing: When and how fast to poll.
    """

    timeout: Annotated[float | None, Parameter(converter=_seconds_or_never)] = 600.0
    journal: Path | None = None
    report: Path | None = None
    pacing: PacingOptions = attrs.field(factory=Pacing)

    @property
    def of_stream(self) -> WatchOptions:
        """What `LegnextClient.watch` and `generate` take of these."""
        return {"timeout": self.timeout, "journal": self.journal}
