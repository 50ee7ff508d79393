"""Webhooks: an ASGI application that receives the API's callbacks and passes them to watches.

The same names can be imported from `legnext_stream`.
"""

from legnext_stream._webhooks import WebhookReceiver, WebhookStats, webhook_app

__all__ = ["WebhookReceiver", "WebhookStats", "webhook_app"]
