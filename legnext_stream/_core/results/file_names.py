"""File names from a template, which can't lead out of the folder.

A name is composed of fields, each of which is made harmless, and of the template's own text, which is
checked once. So whatever a job, a prompt or a tag contains, the name is one component of a path, has
no leading dot, and ends in the suffix for the file's type.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from string import Formatter

import attrs

from legnext_stream._core.model.ids import check_job_id
from legnext_stream._core.model.jobs import Job
from legnext_stream._core.results.file_types import KINDS

DEFAULT_NAME = "{job_id}-{number}{suffix}"
"""The job's id, the number of the result, and the suffix: `…-1.png`."""

_TEXTS = frozenset({"job_id", "task_type", "tag", "prompt"})
_NUMBERS = frozenset({"number", "position"})
_FIELDS = "job_id, number, suffix, task_type, tag, position, prompt"
# How long a field may get, in bytes. With these, the name of a job with a UUID always fits.
_LONGEST = {"task_type": 30, "tag": 40, "prompt": 60}
# The longest name in a file system, less the suffixes of a partial download, in bytes.
_LONGEST_STEM = 255 - len(".part.json.new")
# Characters that mean something else, or are forbidden, on some system.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\<>:"|?*\ud800-\udfff]')
_WIDTH = re.compile(r"0?[1-9]?\d?", re.ASCII)
# The Unicode categories that are kept of a text: letters, marks, numbers.
_KEPT = "LMN"


class LongNameError(ValueError):
    """A name is longer than a file system accepts."""


@attrs.frozen(kw_only=True)
class Origin:
    """What the fields of a name are taken from."""

    job: Job
    number: int  # the number of the result among the job's, from 1
    # The position of its prompt in the batch, from 1; None outside of a batch.
    position: int | None = None
    prompt: str = ""  # the prompt's text; empty if it isn't known
    tag: object = None  # the caller's mark for the prompt; None if there is none


class NameTemplate:
    """How result files are named.

    It is written as for `str.format`, with the fields `job_id`, `number` (of the result among the
    job's, from 1), `suffix` (`.png`, `.mp4`, …), `task_type`, `position` (of the prompt in its
    batch, from 1), `tag` and `prompt`; the last two as a slug. Numbers may have a width:
    `{position:04}`.

    Raises:
        ValueError: Two results could get the same name, the name could lead out of the folder or is
            too long, or there is no such field. The message says what to write.
    """

    def __init__(self, text: str) -> None:
        self.text: str = text
        self._parts = tuple(_parts(text))
        fields = {field for _, field, _ in self._parts}
        if "number" not in fields:
            raise ValueError(f"{text!r} has no {{number}}, so a job's results would collide")
        if fields.isdisjoint({"job_id", "position"}):
            msg = f"{text!r} has neither {{job_id}} nor {{position}}, so jobs would collide"
            raise ValueError(msg)
        self.names_job: bool = "job_id" in fields  # whether the name contains the job's id
        self.names_position: bool = "position" in fields  # whether it needs the prompt's position
        if _least(self._parts) > _LONGEST_STEM:
            raise ValueError(
                f"{text[:40]!r}… makes names that are longer than a file system accepts"
            )

    def stem(self, origin: Origin) -> str:
        """The name of a result, without its suffix.

        Raises:
            InvalidJobId: The job's id can't be one, and could lead out of the folder.
            LongNameError: The name is longer than a file system accepts.
            ValueError: The template needs a position, and there is none.
        """
        stem = "".join(
            literal + (_filled(field, spec, origin) if field else "")
            for literal, field, spec in self._parts
        )
        # If the first field is empty, a dot may come first.
        stem = stem.lstrip(". ")
        if len(stem.encode()) > _LONGEST_STEM:
            raise LongNameError(f"the name {stem[:80]}… is longer than a file system accepts")
        return stem

    def __repr__(self) -> str:
        return f"NameTemplate({self.text!r})"


def _parts(text: str) -> list[tuple[str, str, str]]:
    """The template as (text, field after it, its width), without the suffix, which comes last."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a template: {error}") from None
    parts: list[tuple[str, str, str]] = []
    has_suffix = False
    for literal, field, spec, conversion in parsed:
        if has_suffix:
            raise ValueError(f"in {text!r}, {{suffix}} must come last")
        if _UNSAFE.search(literal):
            raise ValueError(f"{text!r} has a character that can't be in a file's name")
        if field is None:
            parts.append((literal, "", ""))
        elif field == "suffix" and not spec and not conversion:
            has_suffix = True
            parts.append((literal, "", ""))
        else:
            is_known = field in _NUMBERS or (field in _TEXTS and not spec)
            if conversion or not is_known or not _WIDTH.fullmatch(spec or ""):
                raise ValueError(f"{text!r} has a field that isn't one of {_FIELDS}")
            parts.append((literal, field, spec or ""))
    literal, field, _ = parts[-1] if parts else ("", "", "")
    if not has_suffix and not field and literal.lower().endswith(_SUFFIXES):
        raise ValueError(f"{text!r} must end in {{suffix}}, which says what the file is")
    if parts and parts[0][0].startswith("."):
        raise ValueError(f"{text!r} begins with a dot, which hides files")
    return parts


def _least(parts: Sequence[tuple[str, str, str]]) -> int:
    """How long a name is at least, in bytes, for a job whose id is a UUID."""
    return sum(
        len(literal.encode()) + (36 if field == "job_id" else int(spec or 0))
        for literal, field, spec in parts
    )


_SUFFIXES = tuple(kind.suffix for kind in KINDS)


def _filled(field: str, spec: str, origin: Origin) -> str:
    match field:
        case "job_id":
            return check_job_id(origin.job.job_id)
        case "number":
            return format(origin.number, spec)
        case "position":
            if origin.position is None:
                raise ValueError("the name needs a {position}, and the job has none")
            return format(origin.position, spec)
        case "task_type":
            return slug(origin.job.task_type, _LONGEST[field])
        case "tag":
            return slug("" if origin.tag is None else str(origin.tag), _LONGEST[field])
        case _:
            return slug(origin.prompt, _LONGEST[field])


def slug(text: str, longest: int) -> str:
    """A text as part of a file name, in at most `longest` bytes of UTF-8.

    It has the text's letters and digits in lower case, joined by single dashes.
    """
    # No more than this can matter; a prompt has up to 8,192 characters, a tag any number.
    text = unicodedata.normalize("NFC", text[: 8 * longest]).lower()
    kept = "".join(char if unicodedata.category(char)[0] in _KEPT else " " for char in text)
    dashed = "-".join(kept.split()).encode()[:longest]
    # A character that was cut in its middle is dropped.
    return dashed.decode(errors="ignore").strip("-")
