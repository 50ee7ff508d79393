"""How far a job is, in percent, as its answer says: the API has no field for it that is documented.

Where it is shown, it is text in the `logs`, or a number by the name of `progress`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

# "40%", "progress: 40", and in a line that was an object `"progress":40`.
_IN_TEXT: Final = re.compile(
    r"(?<!\d)(?<!\d\.)(\d{1,3}(?:\.\d{1,9})?) ?%|\bprogress\b[\"':= ]{0,4}(\d{1,3}(?:\.\d{1,9})?)(?![\d.])",
    re.IGNORECASE | re.ASCII,
)
# The part of an answer that is looked through: its last lines, and the ends of long ones.
_LINES: Final = 50
_CHARACTERS: Final = 500


def progress_of(raw: Mapping[str, object], logs: Sequence[str]) -> float | None:
    """The progress that an answer says, from 0 to 100; None if it says none.

    A field is the API's own word, so it has precedence over the logs. Of the logs the latest line that
    has a percentage counts.
    """
    for place in (raw, raw.get("meta"), raw.get("output"), raw.get("detail")):
        if isinstance(place, Mapping):
            said = _percent(place.get("progress"))
            if said is not None:
                return said
    for line in reversed(logs[-_LINES:]):
        said = _in_text(line)
        if said is not None:
            return said
    return None


def _percent(value: object) -> float | None:
    if isinstance(value, str):
        value = value.strip().removesuffix("%").rstrip()
        if not re.fullmatch(r"\d{1,3}(\.\d{1,9})?", value, re.ASCII):
            return None
        value = float(value)
    # In Python a bool is an int; in the API it is never a number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 100 else None


def _in_text(line: str) -> float | None:
    """The last percentage of a line."""
    found = [first or second for first, second in _IN_TEXT.findall(line[-_CHARACTERS:])]
    return _percent(found[-1]) if found else None
