"""The error that refuses a submit."""

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
    """A submit is refused; the text says why, and `message` is the general one for the status.

    The status is 400 for what the API's description forbids, 422 for what no schema can express,
    and others have their meaning in HTTP.
    """

    def __init__(self, status_code: int, problem: str) -> None:
        super().__init__(problem)
        self.status_code: int = status_code
        self.message: str = _MESSAGES[status_code]
