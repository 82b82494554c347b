"""Orders: what people ask of a camera, as `command` of its agent. Each is carried out once and ends in one receipt."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devices import wire
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.agent.outbox import Outbox
    from hub.poll.keeper import Keeper

log = logging.getLogger(__name__)


class Order(BaseModel):
    """One order. `expires_at`: seconds since 1970, after which nobody waits for it."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    id: Annotated[str, Field(min_length=1, max_length=80)]
    expires_at: wire.Ts
    do: Literal["visit", "set_clock", "set_reference", "witness", "try_default"]
    device: wire.Code
    by: wire.Text = ""
    manually: bool = False
    model: wire.Text = ""


class Orders:
    """On the event loop. `end` stores a receipt: id, result, detail."""

    def __init__(
        self,
        outbox: Outbox,
        keeper: Keeper,
        end: Callable[[str, str, str], None],
        again: Callable[[bytes], None],
        now: Callable[[], int],
    ) -> None:
        self._outbox, self._keeper, self._end, self._again, self._now = outbox, keeper, end, again, now
        self._tasks: set[asyncio.Task[None]] = set()

    def interrupted(self) -> None:
        """At the start: nobody knows how far these came."""
        for number in self._outbox.unended():
            self._end(number, "failed", "interrupted")

    def take(self, payload: bytes) -> None:
        """An order came, perhaps once more. Raises sqlite3.Error."""
        try:
            order = Order.model_validate_json(payload)
        except ValidationError as e:
            log.error("an order cannot be read: %s", str(e).splitlines()[0])  # noqa: TRY400 - the reason is enough
            return
        if not self._outbox.begin(order.id, self._now()):
            ended = self._outbox.receipt(order.id)
            if ended is not None:
                self._again(ended)
            return
        if order.expires_at * 1000 <= self._now():
            self._end(order.id, "expired", "")
            return
        task = asyncio.create_task(self._carry_out(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, order: Order) -> None:
        why = told = ""
        try:
            match order.do:
                case "visit":
                    self._keeper.hurry(order.device)
                case "set_reference":
                    self._keeper.reference(order.device, order.by)
                case "witness":
                    self._keeper.witness(order.device, order.by)
                case "set_clock":
                    why = await self._keeper.set_clock(order.device, manually=order.manually)
                case "try_default":
                    told = await self._keeper.try_default(order.device, order.model)
        except Refused as e:
            why = e.code
        self._end(order.id, "failed" if why else "done", why or told)

    def stop(self) -> None:
        """What is being carried out has no end; the next start says so."""
        for task in self._tasks:
            task.cancel()
