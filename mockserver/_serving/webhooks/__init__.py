"""Webhooks: the messages that the service sends about jobs with a callback.

`planning`, `outbox` and `dispatcher` decide what is sent when, and `courier` sends it. `Webhooks`, in
`live`, is the interface to all of this.
"""

from mockserver._serving.webhooks.deliveries import Deliveries, DeliveryRecord
from mockserver._serving.webhooks.live import Webhooks
from mockserver._serving.webhooks.receivers import WebhookRequest
from mockserver._serving.webhooks.settings import WebhookSettings
from mockserver._serving.webhooks.wire import signature_of

__all__ = [
    "Deliveries",
    "DeliveryRecord",
    "WebhookRequest",
    "WebhookSettings",
    "Webhooks",
    "signature_of",
]
