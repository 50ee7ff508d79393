"""Wrong usage in words: what the parser of the command line finds, as a person would say it."""

from __future__ import annotations

import re
from typing import Final

from cyclopts import CoercionError, CycloptsError, MissingArgumentError, UnusedCliTokensError

_KINDS: Final[dict[object, str]] = {
    int: "a whole number",
    float: "a number",
    bool: "yes or no",
}
# What the parser's own checks of numbers say.
_BOUNDS: Final = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than"}


def usage_words(error: CycloptsError | ValueError) -> str:
    """What is wrong with a command line, without a full stop."""
    if isinstance(error, UnusedCliTokensError):
        tokens = [repr(token) for token in error.unused_tokens or ()]
        noun = "argument" if len(tokens) == 1 else "arguments"
        return f"unexpected {noun} {', '.join(tokens)}"
    if isinstance(error, CoercionError) and error.token is not None:
        kind = _KINDS.get(error.target_type)
        if kind is not None and error.argument is not None:
            return f"{error.argument.name} must be {kind}, not {error.token.value!r}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        name = error.argument.name
        return f"{name} needs a value" if error.keyword else f"{name} is missing"
    message = re.sub(r"Pacing\((\w+=[^)]*)\)", r"\1", str(error))
    # Settings are given as options here.
    message = re.sub(
        r"\b([a-z]+(?:_[a-z]+)+)=", lambda found: f"--{found[1].replace('_', '-')}=", message
    )
    message = re.sub(
        r"Must be (>=|>|<=|<) (\S+)\.",
        lambda found: f"It must be {_BOUNDS[found[1]]} {found[2]}.",
        message,
    )
    return message.removesuffix(".")
