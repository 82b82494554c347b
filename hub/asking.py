"""Asking, put together: who asks which cameras (our own poller, agents at villages), and what comes in of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from drivers.contract import Inbound
from hub.agents import KEY, Agents
from hub.cameras import FOLDER, LOGIN, Cameras, Options
from hub.poll.keeper import Keeper, rows_of
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hub.ingest import Ingest
    from hub.poll.keeper import Said
    from hub.poll.rows import Row
    from hub.registry import Registry
    from hub.secrets import Secrets
    from hub.settings import Settings
    from hub.store.reader import Reader
    from hub.store.writer import Writes
    from hub.tracker import Tracker


class Rows:
    """What is to be asked, in some realms."""

    def __init__(
        self, found: Registry, tracker: Tracker, secrets: Secrets, reader: Reader, picture_s: float
    ) -> None:  # fmt: skip
        self._found, self._tracker, self._secrets, self._reader = found, tracker, secrets, reader
        self._picture_s = picture_s

    def __call__(self, wanted: Callable[[str], bool]) -> dict[str, Row]:
        """By name."""
        boxes = dict(self._reader.boxes(LOGIN))
        said = {name: Options.model_validate_json(body) for name, body in self._reader.camera_options()}

        def password(name: str) -> str:
            try:
                return self._secrets.open(boxes[name], name, LOGIN) if name in boxes else ""
            except Refused:  # the key is gone: told on the hub's page, and by each camera
                return ""

        def options(name: str) -> dict[str, Any]:
            return {"picture_s": self._picture_s} | (said[name].model_dump() if name in said else {})

        return rows_of(self._found.devices, self._tracker.by_name, password, options, wanted)


def taking(
    ingest: Ingest, realm_of: Callable[[str], str | None], store: Callable[[Writes, Mapping[str, Any]], None]
) -> Callable[[Sequence[Said], Sequence[dict[str, Any]]], Any]:
    """What takes in what the hub's own poller says, as if the cameras said it themselves."""

    async def take(messages: Sequence[Said], pictures: Sequence[dict[str, Any]]) -> None:
        def run(writes: Writes) -> None:
            now, intake = ingest.clock.now(), ingest.intake
            gap, intake.gap = intake.gap, None
            try:
                for m in messages:
                    realm = realm_of(m.device)
                    if realm is not None:
                        topic = f"vh/1/{realm}/{m.device}/{m.channel}"
                        body = json.dumps(m.body, separators=(",", ":")).encode()
                        intake.take(Inbound(topic, body, now, 0, 0, retain=False, generation=0))
            finally:
                intake.gap = gap
            for told in pictures:
                store(writes, told)

        await asyncio.wrap_future(ingest.submit(run))

    return take


def asking(
    settings: Settings, found: Registry, tracker: Tracker, ingest: Ingest, secrets: Secrets, reader: Reader
) -> tuple[Keeper, Agents, Cameras]:
    """What keeps the hub's own poller, what tells agents, and what people ask of cameras."""
    poll = settings.poll
    rows = Rows(found, tracker, secrets, reader, poll.picture_s)

    def realm_of(name: str) -> str | None:
        device = found.devices.get(name)
        return None if device is None else device.realm

    async def do(run: Callable[[Writes], Any]) -> Any:
        return await asyncio.wrap_future(ingest.submit(run))

    told = {
        "pictures": str((settings.data_dir / FOLDER).absolute()),
        "village_kbit_s": poll.village_kbit_s,
        "plain_passwords": poll.plain_passwords,
        "networks": [str(n) for n in poll.networks],
    }
    agents = Agents(
        found.devices, tracker.by_name, rows, lambda: dict(reader.boxes(KEY)), secrets, lambda: ingest.link, do,
        ingest.clock.now,
    )  # fmt: skip
    keeper = Keeper(
        told,
        lambda: rows(lambda realm: realm not in agents.realms),
        taking(ingest, realm_of, lambda writes, told: cameras.store(writes, told)),  # noqa: PLW0108 - made below
        ingest.clock.now,
        settings.clock.rate,
    )
    cameras = Cameras(
        folder=settings.data_dir, search_from=str(poll.search_from or ""), reader=reader, secrets=secrets,
        keeper=keeper, agents=agents, devices=found.devices, do=do, now=ingest.clock.now,
    )  # fmt: skip
    ingest.intake.pictured = lambda e: cameras.take(ingest.writes, e)
    ingest.intake.received = agents.received
    ingest.report.others += [keeper.troubles, agents.troubles]
    return keeper, agents, cameras
