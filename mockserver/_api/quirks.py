"""The variants in which the API has been seen to answer.

Where its descriptions and its clients disagree, a client has to cope with every variant. The default
of each field of `Quirks` is the documented behaviour; the other values have been seen as well.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, get_args

import attrs
from attrs.validators import ge, in_

from mockserver._world.checks import is_seconds

ErrorBody: TypeAlias = Literal["flat", "nested", "job"]
JobError: TypeAlias = Literal["object", "null", "string"]
MissingTime: TypeAlias = Literal["zero", "empty", "null"]
TimeResolution: TypeAlias = Literal["seconds", "nanoseconds"]
MissingOutput: TypeAlias = Literal["object", "null"]
Logs: TypeAlias = Literal["empty", "strings", "objects"]
Separator: TypeAlias = Literal["-", "_"]
Envelope: TypeAlias = Literal["job", "timestamped"]

_MEBIBYTE: Final = 2**20


def _switch(_quirks: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{attribute.name} must be true or false, not {value!r}")  # noqa: TRY004 - a setting out of its range raises ValueError


@attrs.frozen(kw_only=True, cache_hash=True)
class Quirks:
    """How the API writes its answers. All durations are seconds of the world.

    Attributes:
        error_body: The body of errors: `"flat"`, an object with `code` and `message`; `"nested"`,
            that object as the member `error`; `"job"`, a failed job object without an id.
        get_without_key: Whether jobs can be looked up without a key.
        job_error: The `error` of a job: `"object"`, always an object; `"null"`, null unless the job
            failed; `"string"`, the message alone.
        missing_time: A time that hasn't come: `"zero"`, the year 1; `"empty"`, an empty text;
            `"null"`.
        time_resolution: The resolution of times in jobs: `"seconds"` or `"nanoseconds"`.
        missing_output: The `output` of a job that isn't completed: `"object"`, with empty fields;
            `"null"`.
        empty_image_urls: Whether a job that isn't completed has an empty text for each image to
            come, rather than null for all of them.
        logs: The `logs`: `"empty"`; or the progress, as `"strings"` or `"objects"`.
        task_type_separator: The separator in a `task_type`: `"-"` or `"_"`.
        echo_input: Whether `input` has the parameters of the submit, rather than null.
        extra_fields: Whether objects have undocumented fields.
        webhook_envelope: The body of a callback: `"job"`, the job object; `"timestamped"`, an
            object with `timestamp` and the job as `data`.
        webhook_on_processing: Whether callbacks are also made when processing begins.
        active_tasks: Whether there is a route that lists the unfinished jobs.
        job_expires_after: How long after its end a job can be looked up; None for ever.
        urls_expire_after: How long after a job's end the URLs of its results work; they are signed
            and say when they expire. None for URLs that never expire.
        temporary_urls: Whether results are under `/temp/`, from where they vanish within a day.
        max_body_bytes: The longest allowed body of a request, in bytes; a longer one gets 413.

    Raises:
        ValueError: A setting is out of its range.
    """

    error_body: ErrorBody = attrs.field(default="flat", validator=in_(get_args(ErrorBody)))
    get_without_key: bool = attrs.field(default=False, validator=_switch)
    job_error: JobError = attrs.field(default="object", validator=in_(get_args(JobError)))
    missing_time: MissingTime = attrs.field(default="zero", validator=in_(get_args(MissingTime)))
    time_resolution: TimeResolution = attrs.field(
        default="seconds", validator=in_(get_args(TimeResolution))
    )
    missing_output: MissingOutput = attrs.field(
        default="object", validator=in_(get_args(MissingOutput))
    )
    empty_image_urls: bool = attrs.field(default=False, validator=_switch)
    logs: Logs = attrs.field(default="empty", validator=in_(get_args(Logs)))
    task_type_separator: Separator = attrs.field(default="-", validator=in_(get_args(Separator)))
    echo_input: bool = attrs.field(default=False, validator=_switch)
    extra_fields: bool = attrs.field(default=False, validator=_switch)
    webhook_envelope: Envelope = attrs.field(default="job", validator=in_(get_args(Envelope)))
    webhook_on_processing: bool = attrs.field(default=False, validator=_switch)
    active_tasks: bool = attrs.field(default=False, validator=_switch)
    job_expires_after: float | None = attrs.field(default=None, validator=is_seconds)
    urls_expire_after: float | None = attrs.field(default=None, validator=is_seconds)
    temporary_urls: bool = attrs.field(default=False, validator=_switch)
    max_body_bytes: int = attrs.field(default=16 * _MEBIBYTE, validator=ge(0))

    def __repr__(self) -> str:
        """Only what differs from the documented behaviour."""
        changed = (
            f"{field.name}={value!r}"
            for field in attrs.fields(Quirks)
            if (value := getattr(self, field.name)) != field.default
        )
        return f"Quirks({', '.join(changed)})"


DEFAULT_QUIRKS: Final = Quirks()
"""The documented behaviour."""
