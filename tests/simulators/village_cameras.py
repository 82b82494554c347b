"""Simulated cameras that listen in a thread of their own, for tests whose hub and agent are processes."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from simulators.onvif.face import Faces
from tests.simulators.cameras import WILL, camera, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulators.onvif.camera import Camera


@contextmanager
def listening(*names: str) -> Iterator[dict[str, Camera]]:
    """Cameras by name, each at a port of its own, whose clocks are right."""
    faces = Faces()
    found = {name: faces.add(camera(name, port=free_port(), rtsp_port=free_port())) for name in names}
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        for face in found.values():
            face.camera.clock = time.time
            face.open(WILL)
        faces.start()
        ready.set()
        await asyncio.to_thread(done.wait)
        faces.stop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="cameras")
    thread.start()
    ready.wait(10)
    try:
        yield {name: face.camera for name, face in found.items()}
    finally:
        done.set()
        thread.join(10)
