"""What a receiver of webhooks counts."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class WebhookStats:
    """A snapshot of what a receiver has been sent so far.

    Attributes:
        verified: Callbacks whose signature was right, and that were handed on.
        unsigned: Callbacks without a signature, or to a receiver without a secret: each has led to a
            poll at most.
        forged: Refused, because the signature was wrong.
        replayed: Refused, because the same had come before.
        stale: Refused, because they were too old, or dated too far ahead.
        too_large: Refused for the size of their body.
        malformed: Refused, because they were no callback about a job.
        unknown_job: Callbacks among the verified about which no watch has asked in time.
    """

    verified: int = 0
    unsigned: int = 0
    forged: int = 0
    replayed: int = 0
    stale: int = 0
    too_large: int = 0
    malformed: int = 0
    unknown_job: int = 0
