"""What the wheel needs beyond the five packages' own files; an editable install needs none of it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompleteWheel(BuildHookInterface):
    """Adds the broker's settings; refuses a wheel whose pages would lack their browser files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        vendor = Path(self.root, "hub/web/static/vendor")
        if not any(vendor.glob("*.js")):
            raise FileNotFoundError(f"{vendor} has no browser files: run `make setup` first")
        # Here and not as `force-include` in pyproject.toml, which would put a folder `hub` beside an editable install
        build_data["force_include"]["mosquitto.conf"] = "hub/mosquitto.conf"
