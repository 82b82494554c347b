"""Our real client beside a simulated camera that gives its picture to anybody, or asks for a login."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from tests.hub.poll.test_polite import Scene
from tests.simulators.cameras import name_made_by, shown

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("way", "told"), [("none", True), ("digest", False), ("basic", False)])
async def test_a_snapshot_without_a_login(
    way: Literal["none", "digest", "basic"], told: bool, tmp_path: Path
) -> None:
    async with shown(name_made_by("Thanh Long")) as camera:
        camera.maker = replace(camera.maker, picture_login=way)
        camera.open_stream = False
        scene = Scene(camera, tmp_path)
        said = await scene.minutes(2)
        assert ("pictureOpen" in said["faults"]) is told
        assert "logged_in" in said["lights_ok"]
        scene.watch.close()
