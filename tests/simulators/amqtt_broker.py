"""amqtt on a port, as a process of its own: it leaves sockets behind when a client breaks off without goodbye."""

from __future__ import annotations

import asyncio
import sys

from amqtt.broker import Broker

from tests.simulators.brokers import HOST


async def main(port: int) -> None:
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    listeners = {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}}
    await Broker({"listeners": listeners, "plugins": anonymous}).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
