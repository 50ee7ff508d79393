"""Which extensions a watch has, and in which order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension

if TYPE_CHECKING:
    from legnext_stream._journal import JournalExtension
    from legnext_stream._webhooks import WebhookReceiver


def watch_extensions(
    account: Account,
    *,
    journal: str | os.PathLike[str] | None,
    webhooks: WebhookReceiver | None,
    batch: Callable[[JournalExtension | None], Extension] | None = None,
) -> list[Extension]:
    """Return the extensions of a watch; `journal` and `webhooks` are those of `watch`.

    `batch` makes what submits prompts, for the watch's journal if it has one.
    """
    extensions: list[Extension] = []
    # Only those who use a feature wait for its import.
    if webhooks is not None:
        from legnext_stream._webhooks.listener import CallbackListener  # noqa: PLC0415 - see above

        extensions.append(CallbackListener(webhooks.exchange))
    recording = None
    if journal is not None:
        from legnext_stream._journal import (  # noqa: PLC0415 - see above
            JournalExtension,
            SqliteRecorder,
        )

        lanes = account.lanes
        recorder = SqliteRecorder(
            Path(journal), base_url=lanes.base_url, fingerprint=lanes.fingerprint
        )
        recording = JournalExtension(recorder, account)
    # The journal is last: what it records of an event includes what the batch knows of it.
    if batch is not None:
        extensions.append(batch(recording))
    if recording is not None:
        extensions.append(recording)
    return extensions
