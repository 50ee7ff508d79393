"""Webhooks: the API's callbacks, received by any ASGI server and passed to the watches they concern.

`receiver` is the ASGI application. `callback`, `checking` and `waiting` decide, without I/O and clock.
`exchange` takes callbacks from the server's thread to those of the watches, where `listener` gives them to
the tracker.
"""

from legnext_stream._webhooks.receiver import WebhookReceiver, WebhookStats, webhook_app

__all__ = ["WebhookReceiver", "WebhookStats", "webhook_app"]
