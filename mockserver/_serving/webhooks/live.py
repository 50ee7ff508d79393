"""`Webhooks`: the webhooks of one running mock, as programs and tests use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from mockserver._serving.webhooks.courier import Courier
from mockserver._serving.webhooks.deliveries import Deliveries, DeliveryRecord
from mockserver._serving.webhooks.dispatcher import Dispatcher, DispatcherState
from mockserver._serving.webhooks.planning import lag_of
from mockserver._serving.webhooks.receivers import Receivers
from mockserver._serving.webhooks.settings import WebhookSettings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from mockserver._serving.service import Service
    from mockserver._serving.webhooks.receivers import Handler
    from mockserver._world import JobView


@attrs.frozen
class WebhooksState:
    """All that webhooks hold at one time: what is still to be sent, and what was.

    Attributes:
        dispatcher: What is still to be sent.
        deliveries: What was.
    """

    dispatcher: DispatcherState
    deliveries: tuple[DeliveryRecord, ...]


class Webhooks:
    """Tells the callbacks of jobs what has become of these.

    Messages are delivered in the world's time, to whoever takes them in this process (see
    `receive`), otherwise to a server on this machine; to other hosts only if they are allowed.
    It works in a Trio run, from the first job with a callback until the run ends; what is cut off
    by that is sent again in the next run.

        mock.webhooks.receive("https://example.org/hook", lambda request: print(request.json()))
        mock.add_job(callback="https://example.org/hook")
        await mock.webhooks.drain()

    Args:
        service: The mock.
        settings: Whom messages are sent to, when, and what goes wrong.

    Attributes:
        deliveries: The journal: every attempt, and what came of it.
    """

    def __init__(self, service: Service, settings: WebhookSettings) -> None:
        self._service = service
        self._receivers = Receivers(service.note_crash)
        self._dispatcher = Dispatcher(service, settings)
        self.deliveries: Deliveries = Deliveries(settings.keep)
        self._courier = Courier(service, self._dispatcher, self.deliveries, self._receivers)
        self._dispatcher.feed.on_news = self._courier.wake

    @property
    def settings(self) -> WebhookSettings:
        """Whom messages are sent to, when, and what goes wrong.

        May be replaced, e.g. by `attrs.evolve(webhooks.settings, lost_share=1)`: for the changes
        from now on, and for retries. `at_once` and `keep` stay what they were at the start.
        """
        return self._dispatcher.settings

    @settings.setter
    def settings(self, settings: WebhookSettings) -> None:
        # What has changed until now is planned as it was to be.
        self._dispatcher.collect(self._service.now())
        self._dispatcher.settings = settings

    def receive(self, url: str, handler: Handler) -> None:
        """Have a function take what is sent to a URL or below it, whatever the host.

        Nothing goes over the network then. What the function raises makes the attempt fail, and
        stands among the mock's `crashes`, so that the pytest fixture shows it.

        Args:
            url: The URL. Of several that fit, the one with the longest path counts, and of two
                that are the same, the later one.
            handler: A function, async or not, of a `WebhookRequest`. It may return a status;
                None stands for 200.

        Raises:
            ValueError: It is no URL.
        """
        self._receivers.add_handler(url, handler)

    def mount(self, url: str, app: ASGIApp) -> None:
        """Have an ASGI application take what is sent to a URL or below it, whatever the host.

        It gets real HTTP over memory, in this Trio run, and sees the path of the whole URL.

        Raises:
            ValueError: It is no URL.
        """
        self._receivers.add_app(url, app)

    async def drain(self) -> None:
        """Wait until everything there is to tell has been delivered or given up.

        That takes until each job with a callback has ended, or can't end by itself. In a run in
        virtual time it takes no time; while the world's clock is frozen, it waits for that to move.

        Raises:
            RuntimeError: The delivery has ended by a bug in the mock, which is among its `crashes`.
        """
        await self._courier.drain()

    def wake(self) -> None:
        """Begin to deliver what there is, for jobs that were added before the Trio run."""
        self._courier.wake()

    def as_shown(self, job: JobView, t: float) -> JobView:
        """A job as a status request at `t` shows it: behind the messages about it, if it is so set.

        Args:
            job: The job as it is at `t`.
            t: The time, in seconds since the world's start.
        """
        settings, world = self.settings, self._service.world
        if not (settings.early_share and job.callback):
            return job
        lag = lag_of(settings, world.randomness, job.job_id)
        return world.job(job.job_id, max(job.created_at, t - lag)) if lag else job

    def snapshot(self) -> WebhooksState:
        """What is held now; attempts under way count as still to be made."""
        dispatched = self._dispatcher.state(self._service.now())
        return WebhooksState(dispatched, tuple(self.deliveries))

    def restore(self, state: WebhooksState) -> None:
        """Go on from a snapshot, the world and its clock having been put back to its time."""
        self._dispatcher.close()
        self._dispatcher = Dispatcher(self._service, self.settings)
        self._dispatcher.go_on_from(state.dispatcher)
        self._dispatcher.feed.on_news = self._courier.wake
        self.deliveries.restore(state.deliveries)
        self._courier.turn_to(self._dispatcher)

    def __repr__(self) -> str:
        return f"<Webhooks: {self.deliveries!r}>"
