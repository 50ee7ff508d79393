"""The journal: what a watch has been told and what of it was acknowledged, on disk.

`entries` and `prompts` are what can be written, `schema` the tables, `store` the SQLite file, `writer`
the way to it from tasks, `keeper` what a watch writes and goes on from, and `ledger` what a batch does.
"""

from legnext_stream._journal.entries import (
    Acknowledged,
    KeptEvent,
    KeptJob,
    Learned,
    Observed,
    Removed,
    Taken,
)
from legnext_stream._journal.keeper import Keeper
from legnext_stream._journal.store import Entry, Store
from legnext_stream._journal.writer import Writer

__all__ = [
    "Acknowledged",
    "Entry",
    "Keeper",
    "KeptEvent",
    "KeptJob",
    "Learned",
    "Observed",
    "Removed",
    "Store",
    "Taken",
    "Writer",
]
