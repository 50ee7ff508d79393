"""Which prompts the moderator refuses."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from mockserver._world import Randomness


def _words(given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise TypeError("words is a collection of words, not one word")
    return tuple(given)


@attrs.frozen
class Moderation:
    """A moderator that reads the prompts of submits; what it refuses is answered with 403.

    Attributes:
        words: Refused wherever they stand in a prompt as whole words, in whatever case.
        share: Of the other prompts, the share that is refused too, from 0 to 1. Which ones is drawn
            by their texts: asking again does not help.

    Raises:
        ValueError: A share out of its range, or a word that is empty.
        TypeError: One word where there should be a collection.
    """

    words: tuple[str, ...] = attrs.field(default=(), converter=_words)
    share: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must be from 0 to 1, not {self.share}")
        if not all(self.words):
            raise ValueError("words must not be empty")

    def objection(self, prompts: Iterable[str], randomness: Randomness) -> str | None:
        """What is wrong with these prompts, in words for the submit's answer; None for nothing."""
        texts = tuple(prompts)
        for text in texts:
            if self.words and (found := _any_of(self.words).search(text)):
                return f"the prompt has the word {found[0]!r}"
        if texts and randomness.uniform("moderation", *texts) < self.share:
            return "the prompt may offend"
        return None


@functools.lru_cache(maxsize=16)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    # Not \b, which wants a letter at the word's ends.
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)
