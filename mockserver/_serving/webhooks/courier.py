"""The task that delivers: it waits for what the dispatcher has due, and carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import httpx
import trio

from mockserver._serving.network.destinations import why_refused, without_password
from mockserver._serving.webhooks.deliveries import DeliveryRecord
from mockserver._serving.webhooks.receivers import ReceiverError, WebhookRequest, post_to_server
from mockserver._serving.webhooks.signing import SIGNATURE_HEADER
from mockserver._serving.webhooks.wire import headers_of

if TYPE_CHECKING:
    from mockserver._serving.service import Service
    from mockserver._serving.webhooks.deliveries import Deliveries, Outcome
    from mockserver._serving.webhooks.dispatcher import Dispatcher
    from mockserver._serving.webhooks.planning import Attempt
    from mockserver._serving.webhooks.receivers import Receiver, Receivers


@attrs.frozen
class _Result:
    """What came of an attempt."""

    outcome: Outcome
    status_code: int | None = None
    error: str | None = None


class Courier:
    """Delivers what a dispatcher has to tell, as a system task of the Trio run it is woken in.

    Args:
        service: The clock, and who is told of bugs.
        dispatcher: What is to be done.
        deliveries: The journal.
        receivers: Who takes messages in this process.
    """

    def __init__(
        self,
        service: Service,
        dispatcher: Dispatcher,
        deliveries: Deliveries,
        receivers: Receivers,
    ) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._deliveries = deliveries
        self._receivers = receivers
        self._run: trio.lowlevel.TrioToken | None = None
        self._work = trio.CancelScope()
        self._nap = trio.CancelScope()
        self._settled = trio.lowlevel.ParkingLot()

    def wake(self) -> None:
        """Look what there is to do, starting in this Trio run if there is something.

        Outside of a run time stands still, and nothing is done.
        """
        try:
            run = trio.lowlevel.current_trio_token()
        except RuntimeError:
            return
        if run is self._run:
            self._nap.cancel()
        elif not self._dispatcher.is_done:
            self._run = run
            trio.lowlevel.spawn_system_task(self._serve_run, name="Legnext mock webhooks")

    def turn_to(self, dispatcher: Dispatcher) -> None:
        """Give up what is under way, and deliver for another dispatcher."""
        self._dispatcher = dispatcher
        self._work.cancel()
        self.wake()

    async def drain(self) -> None:
        """Wait until there is nothing left to deliver.

        Raises:
            RuntimeError: It has ended by a bug of its own.
        """
        self.wake()
        await trio.lowlevel.checkpoint()
        while not self._dispatcher.is_done:
            if self._run is not trio.lowlevel.current_trio_token():
                raise RuntimeError("the delivery of webhooks has ended; see the mock's crashes")
            await self._settled.park()

    async def _serve_run(self) -> None:
        """Work until the run ends. An exception in a system task would bring down the whole run."""
        try:
            while True:
                with trio.CancelScope() as self._work:
                    await self._deliver()
        except Exception as error:  # noqa: BLE001 - whatever bug it is, it is told of, not hidden
            self._service.note_crash(error)
        finally:
            self._run = None
            self._settled.unpark_all()

    async def _deliver(self) -> None:
        clock, dispatcher = self._service.now, self._dispatcher
        # What the end of another run has cut off comes first.
        dispatcher.put_back()
        room = trio.Semaphore(dispatcher.settings.at_once)
        async with trio.open_nursery() as nursery:
            while True:
                t = clock()
                dispatcher.collect(t)
                while (attempt := dispatcher.take(t)) is not None:
                    await room.acquire()
                    # Each has begun before the next begins, so that they arrive in their order.
                    await nursery.start(self._make, attempt, room)
                self._settled.unpark_all()
                with trio.CancelScope() as self._nap:
                    await clock.wait_until(dispatcher.next_at())

    async def _make(
        self,
        attempt: Attempt,
        room: trio.Semaphore,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Make one attempt, and tell what came of it."""
        message, service = attempt.message, self._service
        dispatcher = self._dispatcher
        at = service.now()
        headers = headers_of(message.body, at, service.epoch, dispatcher.settings)
        send = self._way_of(attempt)
        task_status.started()
        if isinstance(send, _Result):
            result = send
        else:
            request = WebhookRequest(at, message.url, httpx.Headers(headers), message.body)
            result = await self._send(send, request)
        if dispatcher is not self._dispatcher:
            return  # It was given up at the very moment at which it ended.
        ended_at = service.now()
        self._deliveries.add(
            DeliveryRecord(
                at=at,
                ended_at=ended_at,
                job_id=message.job_id,
                status=message.status,
                changed_at=message.changed_at,
                url=without_password(message.url),
                copy=attempt.copy,
                number=attempt.number,
                signed=SIGNATURE_HEADER in headers,
                outcome=result.outcome,
                status_code=result.status_code,
                error=result.error,
            )
        )
        is_over = result.outcome not in {"rejected", "failed"}
        dispatcher.conclude(attempt, ended_at, is_over=is_over)
        room.release()
        self._nap.cancel()

    def _way_of(self, attempt: Attempt) -> Receiver | _Result:
        """Who takes an attempt; or what came of it where nobody does."""
        if attempt.is_lost:
            return _Result("lost")
        url = attempt.message.url
        receiver = self._receivers.find(url)
        if receiver is not None:
            return receiver
        reason = why_refused(url, self._dispatcher.settings.allowed_hosts)
        return post_to_server if reason is None else _Result("refused", error=reason)

    async def _send(self, receiver: Receiver, request: WebhookRequest) -> _Result:
        timeout = self._dispatcher.settings.timeout
        with trio.move_on_after(timeout):
            try:
                status_code = await receiver(request)
            except (httpx.RequestError, ReceiverError) as error:
                what = "" if isinstance(error, ReceiverError) else f"{type(error).__name__}: "
                return _Result("failed", error=f"{what}{error}")
            is_success = 200 <= status_code < 300
            return _Result("delivered" if is_success else "rejected", status_code)
        return _Result("failed", error=f"no answer within {timeout:g} s")
