"""The journal: what must survive a restart.

`recorder` is the protocol, and `records` is what is written and read by it. `sqlite` implements it with a
file; its tables are in `schema`, and what records do to them in `tables`. `extension` connects a recorder
to a watch, through `group_commit`. `contents` reads a file from outside.
"""

from legnext_stream._journal.extension import JournalExtension
from legnext_stream._journal.sqlite import SqliteRecorder

__all__ = ["JournalExtension", "SqliteRecorder"]
