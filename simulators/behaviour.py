"""Which file plays which kind of device: one visible table."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from devices.device import Kind
from simulators import board, camera, gateway, light, wifi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.field import Value
    from simulators.inputs import Inputs


class Behaviour(Protocol):
    """One kind's physics, pure. The state is its own frozen dataclass."""

    def born(self, seed: int, inputs: Inputs) -> Any:
        """A device as it is found at `inputs.now`, its build chosen by `seed`."""
        ...

    def step(self, state: Any, inputs: Inputs) -> tuple[Any, dict[str, Value]]:
        """The state at `inputs.now` and what the device reports of it: fields of its kind's table."""
        ...


BEHAVIOURS: Mapping[Kind, Behaviour] = MappingProxyType(
    {
        Kind.SOLAR_LIGHT: light,
        Kind.ACCESS_POINT: wifi,
        Kind.GATEWAY: gateway,
        Kind.CAMERA: camera,
        Kind.SIGNBOARD: board,
    }
)
