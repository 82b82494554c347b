"""Look at the pages with invented data: `python -m tests.web.serve [port]`. Something changes every two seconds."""

from __future__ import annotations

import asyncio
import sys

from devices.health import Health, Reason
from hub.web import create_app, serving
from tests.web.evening import troubled
from tests.web.fake_core import FakeCore


async def main(port: int) -> None:
    core = troubled(FakeCore())
    core.broker_kind = "amqtt" if "amqtt" in sys.argv else "mosquitto"
    async with serving(create_app(core), port=port) as at:
        print(f"http://127.0.0.1:{at}/")  # noqa: T201
        names = [name for name in core.by_name if name.endswith("-c005")]
        for turn in range(10**9):
            await asyncio.sleep(2)
            core.at += 2000
            name = names[turn // 2 % len(names)]
            if turn % 2:
                core.becomes(name, Health.OK)
            else:
                core.becomes(name, Health.OFFLINE, Reason("silent", {"last_seen": core.at}))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8080))
