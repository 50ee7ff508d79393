"""Why a submit is not taken."""

from __future__ import annotations

from typing import Final

_MESSAGES: Final = {
    400: "Invalid parameters",
    402: "Insufficient credits",
    403: "Prompt was rejected by moderation",
    404: "Job not found",
    413: "Request body too large",
    415: "Unsupported media type",
    422: "Unprocessable parameters",
    429: "Too many jobs at once",
}


class Refusal(Exception):
    """A submit that is not taken; its text says what is wrong with it.

    Args:
        status_code: What it is answered with: 400 for what the API's description forbids, 422 for
            what it can't express, and what the code says for the others.
        problem: What is wrong.

    Attributes:
        status_code: The same.
        message: The general sentence for this code.
    """

    def __init__(self, status_code: int, problem: str) -> None:
        super().__init__(problem)
        self.status_code: int = status_code
        self.message: str = _MESSAGES[status_code]
