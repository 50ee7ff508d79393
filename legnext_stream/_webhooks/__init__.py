"""Webhooks: the API's callbacks, taken in by any ASGI server and told to the watches they concern.

`signing`, `checking` and `waiting` decide, without I/O and clock; `exchange` hands over from the
server's thread to the watches'; `receiver` is the ASGI application.
"""

from legnext_stream._webhooks.receiver import WebhookReceiver, webhook_app
from legnext_stream._webhooks.stats import WebhookStats

__all__ = ["WebhookReceiver", "WebhookStats", "webhook_app"]
