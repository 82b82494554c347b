"""A device's past from InfluxDB, asked in InfluxQL on /query, which InfluxDB 1, 2 and 3 all answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from hub.history import files, rollup
from hub.history.query import whole
from hub.views import Point

if TYPE_CHECKING:
    from devices.device import Device
    from hub.settings import InfluxSettings

TIMEOUT_S = 10.0


class NoAnswer(Exception):  # noqa: N818 - what happened
    """InfluxDB did not answer, or not what was asked."""


class InfluxQL:
    """Reads ranges. Every call is a request of its own; for worker threads."""

    def __init__(self, settings: InfluxSettings) -> None:
        self._url = f"{settings.url.rstrip('/')}/query"
        self._bucket, self._token = settings.bucket, settings.secret()

    def points(self, device: Device, since: int, until: int, bucket_ms: int) -> list[Point]:
        """Lowest, mean and highest of each bucket in [since, until), oldest first. Raises NoAnswer."""
        names = rollup.numbers(device.kind)
        since, until = whole(since, until, bucket_ms)
        if not names:
            return []
        wanted = ", ".join(
            f'{how}("{name}") AS "{how} {name}"' for name in names for how in ("min", "mean", "max")
        )
        found = self._ask(
            f'SELECT {wanted} FROM "{device.kind.value}" WHERE "device" = \'{device.name}\' '  # noqa: S608 - names are of our own alphabet
            f"AND time >= {since}ms AND time < {until}ms GROUP BY time({bucket_ms}ms, -{files.HANOI_MS}ms) fill(none)"
        )
        points = []
        for at, *values in found:
            said = {
                name: (float(values[3 * i]), float(values[3 * i + 1]), float(values[3 * i + 2]))
                for i, name in enumerate(names)
                if values[3 * i] is not None
            }
            if said:
                points.append(Point(int(at), said))
        return points

    def _ask(self, query: str) -> list[list[Any]]:
        body = urlencode({"db": self._bucket, "epoch": "ms", "q": query}).encode()
        headers = {"Authorization": f"Token {self._token}"} if self._token else {}
        try:
            with urlopen(Request(self._url, body, headers), timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s) by the settings
                said = json.loads(answer.read())
            result = said["results"][0]
            if "error" in result:
                raise NoAnswer(str(result["error"])[:200])
            rows: list[list[Any]] = result["series"][0]["values"] if "series" in result else []
        except (URLError, OSError) as e:
            raise NoAnswer(str(getattr(e, "reason", e))[:200]) from e
        except (ValueError, KeyError, IndexError, TypeError) as e:
            raise NoAnswer(f"not an answer of InfluxDB: {e}") from e
        return rows
