"""How many examples Hypothesis tries for a test: a share in a quick run, all of them in a thorough one.

A plain `pytest` is quick. `nox -s properties` runs the same tests thoroughly, and
`HYPOTHESIS_PROFILE=explore pytest` looks for examples that were never tried.
"""

from __future__ import annotations

import os
from typing import Final

from hypothesis import settings

_THOROUGH: Final = 100
_QUICK: Final = 20
# Fewer would leave little but the plainest examples, which Hypothesis tries first.
_LEAST: Final = 6


def load_profile() -> None:
    """Register the profiles, and load the one that the environment asks for."""
    # The same examples in each run, so that what was green stays green.
    repeatable = settings(derandomize=True, deadline=None, database=None)
    settings.register_profile("quick", repeatable, max_examples=_QUICK)
    settings.register_profile("thorough", repeatable, max_examples=_THOROUGH)
    settings.register_profile("explore", deadline=None, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def examples(count: int) -> settings:
    """The settings of a test for which a thorough run tries so many examples.

    Use it as a decorator where `settings` would stand, for tests that need more examples than others
    or can afford fewer.
    """
    share = count * settings().max_examples // _THOROUGH
    return settings(max_examples=max(share, min(count, _LEAST)))
