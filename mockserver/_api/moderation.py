"""Moderation: which prompts are refused."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

from mockserver._world.checks import is_share, texts

if TYPE_CHECKING:
    from mockserver._world.randomness import Randomness


@attrs.frozen
class Moderation:
    """Refuses submits by their prompts, with status 403.

    Attributes:
        words: Prompts with any of these are refused. Words match as a whole, in any case.
        share: The share of the other prompts that is refused too, from 0 to 1. It depends on the
            text alone, so the same prompt is always refused or never.

    Raises:
        ValueError: The share is out of its range, or a word is empty.
        TypeError: `words` is a text rather than a collection.
    """

    words: tuple[str, ...] = attrs.field(default=(), converter=texts)
    share: float = attrs.field(default=0.0, validator=is_share)

    def __attrs_post_init__(self) -> None:
        if not all(self.words):
            raise ValueError("words must not be empty")

    def objection(self, prompts: Iterable[str], randomness: Randomness) -> str | None:
        """Why these prompts are refused, for the answer to the submit; None if they aren't."""
        texts = tuple(prompts)
        for text in texts:
            if self.words and (found := _any_of(self.words).search(text)):
                return f"the prompt has the word {found[0]!r}"
        if texts and randomness.uniform("moderation", *texts) < self.share:
            return "the prompt may offend"
        return None


@functools.lru_cache(maxsize=16)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    # Not \b, which only matches beside a letter.
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)
