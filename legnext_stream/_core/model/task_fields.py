"""What the API takes in the fields of a submit: the ranges that it documents, checked before sending.

A field of the wrong type is a `TypeError`, one out of its range a `ValueError`. Both messages name the
field as the API does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Check: TypeAlias = Callable[[str, Any], None]

# As everywhere on the web: a scheme, a host, and no white space or control characters.
_URL: Final = re.compile(r"https?://[^\x00-\x20/?#\x7f]+[^\x00-\x20\x7f]*", re.IGNORECASE)
_LONGEST_TEXT: Final = 8192
_LONGEST_URL: Final = 8192
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def _integer(low: float, high: float) -> Check:
    def check(name: str, value: object) -> None:
        # In Python a bool is an int; in the API it never is.
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be a whole number, not {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, not {value}")

    return check


def _number(low: float, high: float) -> Check:
    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number, not {value!r}")
        if not low <= value <= high:
            raise ValueError(f"{name} must be from {low} to {high}, not {value}")

    return check


def _text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, not {type(value).__name__}")
    if not 1 <= len(value) <= _LONGEST_TEXT:
        msg = f"{name} must have 1 to {_LONGEST_TEXT:,} characters, and has {len(value):,}"
        raise ValueError(msg)


def _url(longest: int = _LONGEST_URL) -> Check:
    def check(name: str, value: object) -> None:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a URL, not {type(value).__name__}")
        if len(value) > longest:
            raise ValueError(
                f"{name} must have at most {longest:,} characters, and has {len(value):,}"
            )
        if _URL.fullmatch(value) is None:
            raise ValueError(f"{name} must be an http or https URL")

    return check


def _choice(*choices: str) -> Check:
    def check(name: str, value: object) -> None:
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")

    return check


def _list_of(item: Check, low: int, high: float) -> Check:
    def check(name: str, value: object) -> None:
        if isinstance(value, str | bytes) or not isinstance(value, Sequence):
            raise TypeError(f"{name} must be a list, not {type(value).__name__}")
        if not low <= len(value) <= high:
            most = "" if high == _NO_END else f" to {high}"
            raise ValueError(
                f"{name} must have {low}{most or ' or more'} items, and has {len(value)}"
            )
        for number, one in enumerate(value):
            item(f"{name}[{number}]", one)

    return check


def _object_of(**fields: Check) -> Check:
    def check(name: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
        if value.keys() != fields.keys():
            raise ValueError(
                f"{name} must have {', '.join(fields)}, and has {', '.join(map(str, value))}"
            )
        for field, one in value.items():
            fields[field](f"{name}.{field}", one)

    return check


_NO_END: Final = float("inf")
_ANY_INTEGER: Final = _integer(-_NO_END, _NO_END)
_COORDINATES: Final = _list_of(_ANY_INTEGER, 6, _NO_END)


def _points(name: str, value: Sequence[object]) -> None:
    _COORDINATES(name, value)
    if len(value) % 2:
        raise ValueError(
            f"{name} must have an x and a y for each corner, and has {len(value)} numbers"
        )


_SIDE: Final = _integer(500, 4096)
_AREAS: Final = _list_of(_object_of(width=_SIDE, height=_SIDE, points=_points), 1, _NO_END)


def _mask(name: str, value: object) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping with areas or a url, not {type(value).__name__}")
    given = {field: one for field, one in value.items() if one is not None}
    if not given or not given.keys() <= {"areas", "url"}:
        raise ValueError(f"{name} must have areas or a url")
    if "areas" in given:
        _AREAS(f"{name}.areas", given["areas"])
    if "url" in given:
        _url()(f"{name}.url", given["url"])


def _mask_or_file(name: str, value: object) -> None:
    if not isinstance(value, bytes):
        _mask(name, value)
    elif not value.startswith(_PNG):
        raise ValueError(f"{name} must be the content of a PNG file")


_CHECKS: Final[Mapping[str, Check]] = {
    "text": _text,
    "prompt": _text,
    "remixPrompt": _text,
    "callback": _url(),
    "imageNo": _integer(0, 3),
    "videoNo": _integer(0, 3),
    "type": _integer(0, 1),
    "mode": _integer(0, 1),
    "videoType": _integer(0, 1),
    "direction": _integer(0, 3),
    "imgUrls": _list_of(_url(), 2, 5),
    "aspect_ratio": _choice("2:3", "1:1", "3:2"),
    "canvas": _object_of(width=_ANY_INTEGER, height=_ANY_INTEGER),
    "imgPos": _object_of(width=_ANY_INTEGER, height=_ANY_INTEGER, x=_ANY_INTEGER, y=_ANY_INTEGER),
    "mask": _mask,
}
# What differs between tasks.
_OF_TASK: Final[Mapping[tuple[str, str], Check]] = {
    ("pan", "scale"): _number(1.1, 3.0),
    ("outpaint", "scale"): _number(1.1, 2.0),
    ("describe", "imgUrl"): _url(),
    ("upload-paint", "imgUrl"): _url(1024),
    ("retexture", "imgUrl"): _url(1024),
    ("remove-background", "imgUrl"): _url(1024),
    ("inpaint", "mask"): _mask_or_file,
}


def check_fields(task_type: str, fields: Mapping[str, object]) -> None:
    """Check the fields of a submit, under the API's names. Those that are None are not sent.

    Raises:
        TypeError: One has the wrong type.
        ValueError: One is out of the API's range.
    """
    for name, value in fields.items():
        check = _OF_TASK.get((task_type, name)) or _CHECKS.get(name)
        if check is not None and value is not None:
            check(name, value)
