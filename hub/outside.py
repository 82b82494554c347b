"""The outside door as the settings have it: where it listens, how what it says is kept secret, whom it believes."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import math
import time
from typing import TYPE_CHECKING

from hub.certificate import BadCertificate, Certificate
from hub.settings import BadSettings
from hub.views import OutsideView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hub.settings import OutsideSettings

log = logging.getLogger(__name__)

ENDING_DAYS = 14
"""A certificate that ends sooner is a fault of the hub."""
LOOK_S = 3600.0
"""How often the files of the certificate are looked at."""


class Outside:
    """The door. `now` is the machine's own time in seconds, since certificates know no other. Raises BadSettings."""

    def __init__(self, settings: OutsideSettings, now: Callable[[], float] = time.time) -> None:
        self.settings, self._now = settings, now
        self.on = bool(settings.host)
        self.proxies = _addresses(settings.behind_proxy)
        self.certificate = self._certificate() if self.on else None
        if self.on and self.certificate is None and not self.proxies:
            raise BadSettings(
                "outside.host is set, but neither outside.tls_cert and outside.tls_key nor outside.behind_proxy: "
                "links would be read on the way"
            )

    def _certificate(self) -> Certificate | None:
        cert, key = self.settings.tls_cert, self.settings.tls_key
        if cert is None and key is None:
            return None
        if cert is None or key is None:
            raise BadSettings("outside.tls_cert and outside.tls_key belong together: set both")
        try:
            return Certificate(cert, key)
        except BadCertificate as e:
            raise BadSettings(str(e)) from e

    def view(self) -> OutsideView:
        """As pages tell it."""
        return OutsideView(self.on, self.settings.address, self.certificate is not None, self.days_left())

    def days_left(self) -> int | None:
        """Whole days until the certificate ends, below 0 where it has; None without one."""
        if self.certificate is None:
            return None
        return math.floor((self.certificate.expires_at - self._now()) / 86400)

    def troubles(self) -> Iterable[str]:
        """Fault codes of devices.hub."""
        days = self.days_left()
        return () if days is None or days >= ENDING_DAYS else ("certificate_ending",)

    def look(self) -> None:
        """Take over a renewed certificate."""
        try:
            if self.certificate is not None and self.certificate.renewed(self._now()):
                log.warning("the outside door has a new certificate, good for %s days", self.days_left())
        except BadCertificate as e:
            log.error("the outside door keeps its old certificate: %s", e)  # noqa: TRY400 - the sentence says it

    async def keep_looking(self) -> None:
        """Until cancelled: follow the files of the certificate."""
        while True:
            await asyncio.sleep(LOOK_S)
            await asyncio.to_thread(self.look)


def _addresses(text: str) -> tuple[str, ...]:
    found = tuple(part for part in (p.strip() for p in text.split(",")) if part)
    for one in found:
        try:
            ipaddress.ip_network(one)
        except ValueError as e:
            raise BadSettings(
                f"outside.behind_proxy: {one} is no address of a proxy, such as 127.0.0.1"
            ) from e
    return found
