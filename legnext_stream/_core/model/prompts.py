"""A prompt: what one job of a batch is submitted for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import attrs

from legnext_stream._core.model.frozen import WithMappings, frozen_mapping
from legnext_stream._core.model.tasks import TaskType, api_fields, check_task_type

if TYPE_CHECKING:
    # With defaults (PEP 696), which `typing.TypeVar` has from Python 3.13 on: in annotations, `Prompt`
    # alone is a prompt with any tag.
    import typing_extensions

    Tag_co = typing_extensions.TypeVar("Tag_co", default=object, covariant=True)
else:
    Tag_co = TypeVar("Tag_co", covariant=True)
# For functions.
Tag = TypeVar("Tag")


def _check_text(_: object, __: object, text: object) -> None:
    if not isinstance(text, str):
        msg = f"a prompt's text is a string, not {type(text).__name__}"
        raise TypeError(msg)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        msg = f"a prompt's text can't be encoded: {error}"
        raise ValueError(msg) from None


@attrs.frozen
class Prompt(WithMappings, Generic[Tag_co]):
    """What one job of a batch is submitted for; see `generate`.

    Attributes:
        text: The text, 1–8,192 characters. It goes into the task type's field for it (`text`,
            `prompt` or `remixPrompt`). It may be empty if the task needs none.
        tag: The caller's own mark for the prompt. It comes back with each event and is never sent.
            With a journal it must be something that JSON can hold. Type checkers know its type:
            `Prompt(text, tag=7)` is a `Prompt[int]`, and so is the prompt of its events.
        task_type: The kind of work.
        params: Further fields of the task, under the API's names (`imageNo`) or in snake_case
            (`image_no`). Those that are None are left out.

    Raises:
        ValueError: There is no such task type, the task takes no text, or the text has a lone
            surrogate and so can't be encoded.
        TypeError: The text is no string, or a field was given twice.
    """

    text: str = attrs.field(default="", validator=_check_text)
    tag: Tag_co = attrs.field(default=cast("Tag_co", None), kw_only=True, hash=False)
    task_type: TaskType | str = attrs.field(
        default=TaskType.DIFFUSION, kw_only=True, converter=check_task_type
    )
    params: Mapping[str, object] = attrs.field(
        factory=dict, kw_only=True, converter=frozen_mapping, hash=False
    )

    def __attrs_post_init__(self) -> None:
        fields_of(self)


def fields_of(prompt: Prompt) -> dict[str, object]:
    """What is sent for a prompt, under the API's names.

    Raises:
        ValueError: It has a text, but its task takes none.
        TypeError: A field was given twice.
    """
    given = dict(prompt.params)
    if prompt.text:
        name = check_task_type(prompt.task_type).text_field
        if name is None:
            msg = f"{prompt.task_type} takes no text, and was given {prompt.text[:40]!r}"
            raise ValueError(msg)
        if name in given:
            msg = f"{name!r} was given twice, also as the text"
            raise TypeError(msg)
        given[name] = prompt.text
    return api_fields(given)


def as_prompt(item: object, task_type: TaskType) -> Prompt:
    """The prompt for an item of a batch: a `Prompt`, or a text for this kind of work.

    Raises:
        TypeError: It is neither.
        ValueError: The task takes no text.
    """
    if isinstance(item, Prompt):
        return item
    if isinstance(item, str):
        return Prompt(item, task_type=task_type)
    msg = f"a prompt is a text or a Prompt, not {type(item).__name__}"
    raise TypeError(msg)
