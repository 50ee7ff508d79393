"""Webhooks: what the service tells by itself of the jobs that have a callback.

`settings` says what can be chosen; `planning`, `outbox` and `dispatcher` decide what is sent when,
and `courier` sends it. `Webhooks`, in `live`, is what a user has of all this.
"""

from mockserver._serving.webhooks.deliveries import Deliveries, DeliveryRecord, Outcome
from mockserver._serving.webhooks.live import Webhooks, WebhooksState
from mockserver._serving.webhooks.receivers import WebhookRequest
from mockserver._serving.webhooks.settings import WebhookSettings
from mockserver._serving.webhooks.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, signature_of

__all__ = [
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "Deliveries",
    "DeliveryRecord",
    "Outcome",
    "WebhookRequest",
    "WebhookSettings",
    "Webhooks",
    "WebhooksState",
    "signature_of",
]
