"""Which extensions a watch has, and in which order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from legnext_stream._engine.account import Account
from legnext_stream._engine.extension import Extension

if TYPE_CHECKING:
    from legnext_stream._journal import Keeper
    from legnext_stream._webhooks import WebhookReceiver


def watch_extensions(
    account: Account,
    *,
    journal: str | os.PathLike[str] | None,
    webhooks: WebhookReceiver | None,
    batch: Callable[[Keeper | None], Extension] | None = None,
) -> list[Extension]:
    """Return the extensions of a watch.

    Args:
        account: Its account.
        journal: See `watch`.
        webhooks: See `watch`.
        batch: Makes what submits prompts, for the watch's journal if it has one; None for nothing.
    """
    extensions: list[Extension] = []
    # Only those who use a feature wait for its import.
    if webhooks is not None:
        from legnext_stream._webhooks.listener import CallbackListener  # noqa: PLC0415 - see above

        extensions.append(CallbackListener(webhooks.exchange))
    keeper = None
    if journal is not None:
        from legnext_stream._journal import Keeper  # noqa: PLC0415 - see above

        keeper = Keeper(Path(journal), account)
    # The journal is last: what it records of an event includes the prompt, which the batch knows.
    if batch is not None:
        extensions.append(batch(keeper))
    if keeper is not None:
        extensions.append(keeper)
    return extensions
