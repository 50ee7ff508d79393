"""`Webhooks`: the webhooks of one running mock."""

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
    from mockserver._world.jobs import JobView


@attrs.frozen
class WebhooksState:
    """The state of webhooks: the attempts to be made, and those that were made."""

    dispatcher: DispatcherState
    deliveries: tuple[DeliveryRecord, ...]


class Webhooks:
    """Reports the changes of jobs to their callbacks.

    Messages are delivered in the world's time: to a receiver in this process (see `receive`),
    otherwise to a server on this machine, and to other hosts only if they are allowed. It works in a
    Trio run, from the first job with a callback until the run ends. Attempts that the end of the run
    interrupts are made again in the next run.

        mock.webhooks.receive("https://example.org/hook", lambda request: print(request.json()))
        mock.add_job(callback="https://example.org/hook")
        await mock.webhooks.drain()

    Args:
        service: The mock.
        settings: Where messages are sent, when, and what goes wrong.

    Attributes:
        deliveries: The journal: all attempts, and their results.
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
        """Where messages are sent, when, and what goes wrong.

        It can be set, e.g. to `attrs.evolve(webhooks.settings, lost_share=1)`, for retries and for
        changes from now on. `at_once` and `keep` stay as they were at the start.
        """
        return self._dispatcher.settings

    @settings.setter
    def settings(self, settings: WebhookSettings) -> None:
        # Changes until now are planned with the previous settings.
        self._dispatcher.collect(self._service.now())
        self._dispatcher.settings = settings

    def receive(self, url: str, handler: Handler) -> None:
        """Have a function receive what is sent to a URL or below it, on any host.

        Nothing is sent over the network. An exception of the function makes the attempt fail, and is
        added to the mock's `crashes`, so that the pytest fixture shows it.

        Args:
            url: The URL. Of several that fit, the one with the longest path counts, and of equal
                ones the last.
            handler: A function, async or not, of a `WebhookRequest`. It returns a status, or None
                for 200.

        Raises:
            ValueError: It isn't a URL.
        """
        self._receivers.add_handler(url, handler)

    def mount(self, url: str, app: ASGIApp) -> None:
        """Have an ASGI application receive what is sent to a URL or below it, on any host.

        It gets HTTP in memory, in this Trio run, with the path of the whole URL.

        Raises:
            ValueError: It isn't a URL.
        """
        self._receivers.add_app(url, app)

    async def drain(self) -> None:
        """Wait until all messages have been delivered or given up.

        That is when each job with a callback has ended, or can't end by itself. In virtual time it
        takes no real time. While the world's time is frozen, it waits for that to change.

        Raises:
            RuntimeError: The delivery has ended because of a bug, which is among the mock's
                `crashes`.
        """
        await self._courier.drain()

    def wake(self) -> None:
        """Begin to deliver, for jobs that were added before the Trio run."""
        self._courier.wake()

    def as_shown(self, job: JobView, t: float) -> JobView:
        """A job as a status request at `t` reports it: later than its messages, if the settings say so.

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
        """The present state; attempts in progress count as to be made."""
        dispatched = self._dispatcher.state(self._service.now())
        return WebhooksState(dispatched, tuple(self.deliveries))

    def restore(self, state: WebhooksState) -> None:
        """Return to a snapshot, after the world and its clock have returned to its time."""
        self._dispatcher.close()
        self._dispatcher = Dispatcher(self._service, self.settings)
        self._dispatcher.go_on_from(state.dispatcher)
        self._dispatcher.feed.on_news = self._courier.wake
        self.deliveries.restore(state.deliveries)
        self._courier.turn_to(self._dispatcher)

    def __repr__(self) -> str:
        return f"<Webhooks: {self.deliveries!r}>"
