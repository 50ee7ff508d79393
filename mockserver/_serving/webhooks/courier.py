"""The task that delivers: it waits until an attempt is due, and makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import httpx
import trio

from mockserver._serving.network.destinations import why_refused, without_password
from mockserver._serving.webhooks.deliveries import DeliveryRecord
from mockserver._serving.webhooks.receivers import ReceiverError, WebhookRequest, post_to_server
from mockserver._serving.webhooks.wire import SIGNATURE_HEADER, headers_of

if TYPE_CHECKING:
    from mockserver._serving.service import Service
    from mockserver._serving.webhooks.deliveries import Deliveries, Outcome
    from mockserver._serving.webhooks.dispatcher import Dispatcher
    from mockserver._serving.webhooks.planning import Attempt
    from mockserver._serving.webhooks.receivers import Receiver, Receivers


@attrs.frozen
class _Result:
    """The result of an attempt."""

    outcome: Outcome
    status_code: int | None = None
    error: str | None = None


class Courier:
    """Makes the attempts of a dispatcher, in a system task of the Trio run in which it is woken."""

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
        """Look for attempts that are due, and start working in this Trio run if there may be any.

        Outside of a Trio run it does nothing, as time stands still.
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
        """Cancel the attempts in progress, and continue with another dispatcher."""
        self._dispatcher = dispatcher
        self._work.cancel()
        self.wake()

    async def drain(self) -> None:
        """Wait until nothing is left to deliver.

        Raises:
            RuntimeError: The task has ended because of a bug.
        """
        self.wake()
        await trio.lowlevel.checkpoint()
        while not self._dispatcher.is_done:
            if self._run is not trio.lowlevel.current_trio_token():
                raise RuntimeError("the delivery of webhooks has ended; see the mock's crashes")
            await self._settled.park()

    async def _serve_run(self) -> None:
        """Work until the run ends, without an exception, which would end the whole run."""
        try:
            while True:
                with trio.CancelScope() as self._work:
                    await self._deliver()
        except Exception as error:  # noqa: BLE001 - any bug, which is reported
            self._service.note_crash(error)
        finally:
            self._run = None
            self._settled.unpark_all()

    async def _deliver(self) -> None:
        clock, dispatcher = self._service.now, self._dispatcher
        # First, the attempts that the end of another run has interrupted.
        dispatcher.put_back()
        room = trio.Semaphore(dispatcher.settings.at_once)
        async with trio.open_nursery() as nursery:
            while True:
                t = clock()
                dispatcher.collect(t)
                while (attempt := dispatcher.take(t)) is not None:
                    await room.acquire()
                    # Each begins before the next, so that they arrive in order.
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
        """Make one attempt, and record its result."""
        message, service = attempt.message, self._service
        dispatcher = self._dispatcher
        at = service.now()
        headers = headers_of(message.body, at, service.epoch, dispatcher.settings)
        receiver = self._receiver_of(attempt)
        task_status.started()
        if isinstance(receiver, _Result):
            result = receiver
        else:
            request = WebhookRequest(at, message.url, httpx.Headers(headers), message.body)
            result = await self._send(receiver, request)
        if dispatcher is not self._dispatcher:
            return  # `turn_to` was called in the instant in which the attempt ended.
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

    def _receiver_of(self, attempt: Attempt) -> Receiver | _Result:
        """The receiver of an attempt, or its result if it isn't sent."""
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
