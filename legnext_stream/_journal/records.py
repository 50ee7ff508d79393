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
    """An event, as it is recorded.

    Attributes:
        job_id: The job; empty for a prompt that has none.
        sequence: Which event of its job it is, from 1.
        status: What the job was then.
        raw_status: The API's own word.
        previous: What the event before it said, or None.
        observed_at: When the answer came in.
        changed_between: The change happened after the first (None: not known) and not after the
            second of these.
        body: The job object of the answer, as decoded from JSON; empty if the API gave none.
        code: The code of the watcher's own verdict, or 0.
        reason: The reason of the watcher's own verdict, or empty.
        position: The position of a prompt without a job; None for a job.
        is_lasting: Whether a later run must not submit that prompt again.
    """

    job_id: str
    sequence: int
    status: JobStatus
    raw_status: str
    previous: JobStatus | None
    observed_at: float
    changed_between: tuple[float | None, float]
    body: Mapping[str, object]
    code: int = 0
    reason: str = ""
    position: int | None = None
    is_lasting: bool = False


@attrs.frozen
class Taken:
    """A job has come in. Changes nothing if it is known.

    Attributes:
        job_id: The job.
        at: When.
        status: What was known of it already (the caller gave a `Job`), or None.
        raw_status: The API's word for that.
    """

    job_id: str
    at: float
    status: JobStatus | None = None
    raw_status: str = ""


@attrs.frozen
class Reported:
    """An event was made, and is to be delivered.

    The recorder answers `GAP` if the event isn't the next one of its job. One that it has already is
    a repeat, and changes nothing.
    """

    event: RecordedEvent


@attrs.frozen(kw_only=True)
class Acknowledged:
    """The consumer is done with an event, and with those of the same job before it.

    Attributes:
        job_id: The job; empty for a prompt that has none.
        status: The status of the event. No two unacknowledged events of a job have the same.
        raw_status: The API's word for that.
        position: The position of a prompt without a job.
        at: When.
    """

    job_id: str
    status: JobStatus
    raw_status: str
    position: int | None
    at: float


@attrs.frozen
class Removed:
    """A job is watched no longer. Its unacknowledged events will not be delivered.

    Attributes:
        job_id: The job.
    """

    job_id: str


@attrs.frozen
class Learned:
    """What polling has learned, for the next run.

    Attributes:
        name: `"pace"` or `"durations"`.
        state: Plain data that JSON can hold.
    """

    name: str
    state: Mapping[str, object]


@attrs.frozen(kw_only=True)
class RecordedJob:
    """A job of an earlier run whose end is not acknowledged.

    Attributes:
        job_id: The job.
        sequence: How many events of it were reported.
        status: The last status that was reported, or what was known when it came in, or None.
        place: The last of these that has a place in the order of statuses, or None.
        words: The unknown words that were reported.
        unacknowledged: The reported events that were not acknowledged, in order.
    """

    job_id: str
    sequence: int
    status: JobStatus | None
    place: JobStatus | None
    words: tuple[str, ...]
    unacknowledged: Sequence[RecordedEvent] = ()


@attrs.frozen
class LoggedEvent:
    """A reported event in the log.

    Attributes:
        number: Its position in the log. Positions grow, with gaps where a job was removed.
        event: The event.
        acknowledged_at: When it was acknowledged, or None.
    """

    number: int
    event: RecordedEvent
    acknowledged_at: float | None


# ---------------------------------------------------------------- prompts and their submits


@attrs.frozen
class Content:
    """What a prompt says, as text that a recorder can keep.

    Attributes:
        identity: A hash that tells it from prompts that say something else.
        task_type: The task type.
        text: The prompt's text.
        params: The further fields, in JSON.
        tag: The caller's tag, in JSON.
    """

    identity: bytes
    task_type: str
    text: str
    params: str
    tag: str

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

    Attributes:
        content: What the prompt says.
        at: When it came in.
    """

    content: Content
    at: float


@attrs.frozen
class Place:
    """The answer to a `Claimed`.

    Attributes:
        position: The position of the prompt in its batch, from 1.
        is_new: Whether the recorder didn't know the prompt.
    """

    position: int
    is_new: bool


@attrs.frozen
class Sending:
    """A prompt is about to be submitted. Written before the request is sent.

    Attributes:
        position: Its position.
        attempt: Tells this submit from all others, of any run.
    """

    position: int
    attempt: str


@attrs.frozen(kw_only=True)
class Settled:
    """What became of a submit is known.

    It is judged by its attempt alone, and recorded even if the rest of its batch is refused: a run
    that has lost the journal to another one may still say what its submits have made. It changes
    nothing if the prompt is not being submitted in this attempt.

    Attributes:
        position: The prompt's position.
        attempt: The attempt.
        job_id: The job that was made, which also comes in by this; None if surely none was made.
        at: When.
    """

    position: int
    attempt: str
    job_id: str | None
    at: float


@attrs.frozen
class Reopened:
    """A prompt without a job is to be submitted again, whatever became of its submits.

    Attributes:
        position: Its position.
    """

    position: int


@attrs.frozen(kw_only=True)
class RecordedPrompt:
    """A prompt, as it is recorded.

    Attributes:
        position: Its position in the batch, from 1.
        prompt: The prompt.
        state: How far it has got.
        job_id: Its job, or empty.
        refusal: Why it has no job, if that is not acknowledged; else None.
    """

    position: int
    prompt: Prompt
    state: PromptState
    job_id: str = ""
    refusal: RecordedEvent | None = None


Record: TypeAlias = (
    Taken | Reported | Acknowledged | Removed | Learned | Claimed | Sending | Settled | Reopened
)
"""What can be written."""
