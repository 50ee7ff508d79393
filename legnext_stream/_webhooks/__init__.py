"""Webhooks: the API's callbacks, received by any ASGI server and passed to the watches they concern.

`receiver` is the ASGI application. `signing`, `checking` and `waiting` decide, without I/O and clock.
`exchange` takes callbacks from the server's thread to those of the watches, where `listener` gives them to
the tracker.
"""

from legnext_stream._webhooks.receiver import WebhookReceiver, webhook_app
from legnext_stream._webhooks.stats import WebhookStats

__all__ = ["WebhookReceiver", "WebhookStats", "webhook_app"]
