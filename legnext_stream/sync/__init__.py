# Generated from legnext_stream/aio/__init__.py by .ci/make_sync.py; don't edit.
"""Legnext Stream in synchronous code.

for event in watch(job_ids):
    print(event.job_id, event.previous, "->", event.status)

The names, arguments and guarantees are those of `legnext_stream`. Import other classes and the
errors from there. Trio runs in a thread of its own, one in a process, while it is needed.
"""

from legnext_stream.sync._client import LegnextClient
from legnext_stream.sync._functions import as_completed, gather, generate, wait, watch
from legnext_stream.sync._streams import EventStream, Selection, Subscription

__all__ = [
    "EventStream",
    "LegnextClient",
    "Selection",
    "Subscription",
    "as_completed",
    "gather",
    "generate",
    "wait",
    "watch",
]
