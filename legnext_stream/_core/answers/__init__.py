"""What an answer of the API is, and what it means: see `table` for the policy."""

from legnext_stream._core.answers.reading import (
    Observation,
    SubmitAnswer,
    error_of,
    read_poll,
    read_submit,
    reported,
    retry_after,
    signal_of,
)
from legnext_stream._core.answers.reply import Answer, NoReply, Reply
from legnext_stream._core.answers.table import (
    DownloadMeaning,
    PollMeaning,
    SubmitMeaning,
    may_repeat,
    meaning_of,
    meaning_of_code,
)

__all__ = [
    "Answer",
    "DownloadMeaning",
    "NoReply",
    "Observation",
    "PollMeaning",
    "Reply",
    "SubmitAnswer",
    "SubmitMeaning",
    "error_of",
    "may_repeat",
    "meaning_of",
    "meaning_of_code",
    "read_poll",
    "read_submit",
    "reported",
    "retry_after",
    "signal_of",
]
