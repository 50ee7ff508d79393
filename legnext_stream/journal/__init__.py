"""The journal: what a watch has been told and what of it was acknowledged, on disk.

`entries` is what can be written, `schema` the tables, `store` the SQLite file, `writer` the way to it
from tasks, and `keeper` what a watch writes and goes on from.
"""

from legnext_stream.journal.entries import (
    Acknowledged,
    Entry,
    KeptEvent,
    KeptJob,
    Learned,
    Observed,
    Removed,
    Taken,
)
from legnext_stream.journal.keeper import Keeper
from legnext_stream.journal.store import Store
from legnext_stream.journal.writer import Writer

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
