"""What the wheel needs beyond the five packages' own files; an editable install needs none of it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompleteWheel(BuildHookInterface):
    """Adds the broker's settings; refuses a wheel without browser files or fonts."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        for folder, kind in (("hub/web/static/vendor", "*.js"), ("hub/frames/fonts", "*.bdf")):
            if not any(Path(self.root, folder).glob(kind)):
                raise FileNotFoundError(f"{folder} has no {kind}: run `make setup` first")
        # Here and not as `force-include` in pyproject.toml, which would put a folder `hub` beside an editable install
        build_data["force_include"]["mosquitto.conf"] = "hub/mosquitto.conf"
