"""The statistics of a webhook receiver."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class WebhookStats:
    """A snapshot of the requests that a receiver has got.

    Attributes:
        verified: Callbacks with a right signature, which were passed on.
        unsigned: Callbacks without a signature, or to a receiver without a secret. Each leads to one
            poll at most.
        forged: Refused, because the signature was wrong.
        replayed: Refused, because the same request had come before.
        stale: Refused, because they were too old, or dated too far ahead.
        too_large: Refused, because the body was too large.
        malformed: Refused, because they were not a callback about a job.
        unknown_job: Verified callbacks about jobs that no watch has asked about in time.
    """

    verified: int = 0
    unsigned: int = 0
    forged: int = 0
    replayed: int = 0
    stale: int = 0
    too_large: int = 0
    malformed: int = 0
    unknown_job: int = 0
