"""What a recorder takes in, and what it gives back. Plain values; times in seconds since 1970."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Self, TypeAlias

import attrs

from legnext_stream._core.model.jobs import JobStatus
from legnext_stream._core.model.prompts import Prompt, fields_of

_BYTES: Final = "base64"

PromptState: TypeAlias = Literal["unsent", "sending", "submitted", "refused", "ended"]
"""How far a prompt has got.

`unsent`: it is to be submitted. `sending`: its submit was about to be sent, and nothing is known since.
`submitted`: it has a job. `refused`: it has no job and will have none, which is not acknowledged yet.
`ended`: the same, and acknowledged.
"""


# ---------------------------------------------------------------- jobs and their events


@attrs.frozen(kw_only=True)
class RecordedEvent:
    """An event, as it is recorded."""

    job_id: str  # empty for a prompt that has none
    sequence: int  # which event of its job it is, from 1
    status: JobStatus  # what the job was then
    raw_status: str  # the API's own word
    previous: JobStatus | None  # what the event before it said, or None
    observed_at: float  # when the answer came in
    # The change happened after the first (None: not known) and not after the second of these.
    changed_between: tuple[float | None, float]
    # The job object of the answer, as decoded from JSON; empty if the API gave none.
    body: Mapping[str, object]
    code: int = 0  # the code of the watcher's own verdict, or 0
    reason: str = ""  # the reason of the watcher's own verdict, or empty
    position: int | None = None  # the position of a prompt without a job; None for a job
    is_lasting: bool = False  # whether a later run must not submit that prompt again


@attrs.frozen
class Taken:
    """A job has come in. Changes nothing if it is known."""

    job_id: str
    at: float
    # What was known of it already (the caller gave a `Job`), or None.
    status: JobStatus | None = None
    raw_status: str = ""  # the API's word for that


@attrs.frozen
class Reported:
    """An event was made, and is to be delivered.

    The recorder answers `GAP` if the event isn't the next one of its job. One that it has already is
    a repeat, and changes nothing.
    """

    event: RecordedEvent


@attrs.frozen(kw_only=True)
class Acknowledged:
    """The consumer is done with an event, and with those of the same job before it."""

    job_id: str  # empty for a prompt that has none
    # The status of the event. No two unacknowledged events of a job have the same.
    status: JobStatus
    raw_status: str  # the API's word for that
    position: int | None  # the position of a prompt without a job
    at: float


@attrs.frozen
class Removed:
    """A job is watched no longer. Its unacknowledged events will not be delivered."""

    job_id: str


@attrs.frozen
class Learned:
    """What polling has learned, for the next run."""

    name: str  # `"pace"` or `"durations"`
    state: Mapping[str, object]  # plain data that JSON can hold


@attrs.frozen(kw_only=True)
class RecordedJob:
    """A job of an earlier run whose end is not acknowledged."""

    job_id: str
    sequence: int  # how many events of it were reported
    # The last status that was reported, or what was known when it came in, or None.
    status: JobStatus | None
    place: JobStatus | None  # the last of these that has a place in the order of statuses, or None
    words: tuple[str, ...]  # the unknown words that were reported
    # The reported events that were not acknowledged, in order.
    unacknowledged: Sequence[RecordedEvent] = ()


@attrs.frozen
class LoggedEvent:
    """A reported event in the log."""

    # Its position in the log. Positions grow, with gaps where a job was removed.
    number: int
    event: RecordedEvent
    acknowledged_at: float | None  # when it was acknowledged, or None


# ---------------------------------------------------------------- prompts and their submits


@attrs.frozen
class Content:
    """What a prompt says, as text that a recorder can keep."""

    identity: bytes  # a hash that tells it from prompts that say something else
    task_type: str
    text: str
    params: str  # the further fields, in JSON
    tag: str  # the caller's tag, in JSON

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """Return what a prompt says.

        Raises:
            TypeError: JSON can't hold its parameters or its tag.
        """
        try:
            fields = json.dumps(_plain(fields_of(prompt)), sort_keys=True)
            params, tag = json.dumps(_plain(prompt.params)), json.dumps(prompt.tag, sort_keys=True)
        except (TypeError, ValueError) as error:
            msg = f"a journal keeps prompts as JSON, which can't hold those of {prompt!r}: {error}"
            raise TypeError(msg) from None
        said = f"{prompt.task_type}\n{fields}\n{tag}".encode()
        identity = hashlib.blake2b(said, digest_size=16).digest()
        return cls(identity, str(prompt.task_type), prompt.text, params, tag)

    def prompt(self) -> Prompt:
        """Return the prompt that says this.

        Raises:
            ValueError: No prompt does.
        """
        params = {
            name: base64.b64decode(value[_BYTES])
            if isinstance(value, dict) and value.keys() == {_BYTES}
            else value
            for name, value in json.loads(self.params).items()
        }
        return Prompt(self.text, tag=json.loads(self.tag), task_type=self.task_type, params=params)


def _plain(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields as JSON can hold them: a mask given as bytes becomes text."""
    return {
        name: {_BYTES: base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in fields.items()
    }


@attrs.frozen
class Claimed:
    """A prompt has come in, and asks for its position; the answer is a `Place`.

    Prompts that say the same are told apart by counting: the second that a run is given is the second
    that the recorder knows, or else a new one. So the same prompts given again are submitted once.
    """

    content: Content
    at: float  # when it came in


@attrs.frozen
class Place:
    """The answer to a `Claimed`."""

    position: int  # in its batch, from 1
    is_new: bool  # whether the recorder didn't know the prompt


@attrs.frozen
class Sending:
    """A prompt is about to be submitted. Written before the request is sent."""

    position: int
    attempt: str  # tells this submit from all others, of any run


@attrs.frozen(kw_only=True)
class Settled:
    """What became of a submit is known.

    It is judged by its attempt alone, and recorded even if the rest of its batch is refused: a run
    that has lost the journal to another one may still say what its submits have made. It changes
    nothing if the prompt is not being submitted in this attempt.
    """

    position: int
    attempt: str
    # The job that was made, which also comes in by this; None if surely none was made.
    job_id: str | None
    at: float


@attrs.frozen
class Reopened:
    """A prompt without a job is to be submitted again, whatever became of its submits."""

    position: int


@attrs.frozen(kw_only=True)
class RecordedPrompt:
    """A prompt, as it is recorded."""

    position: int  # in the batch, from 1
    prompt: Prompt
    state: PromptState  # how far it has got
    job_id: str = ""  # its job, or empty
    # Why it has no job, if that is not acknowledged; else None.
    refusal: RecordedEvent | None = None


Record: TypeAlias = (
    Taken | Reported | Acknowledged | Removed | Learned | Claimed | Sending | Settled | Reopened
)
"""What can be written."""
