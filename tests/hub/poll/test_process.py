"""What the poller's process is told, line by line."""

from __future__ import annotations

from typing import Any

import pytest

from hub.poll.pace import Pace
from hub.poll.process import Talk, target_of
from hub.poll.rows import Row


class Followed:
    """A poller that makes a target of each row, as the real one does."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def put(self, row: Row) -> None:
        target_of(row, ())
        self.names.append(row.name)

    def drop(self, name: str) -> None:
        self.names = [n for n in self.names if n != name]


@pytest.mark.parametrize("url", ["http://10.0.0.1:99999", "http://[::1"])
def test_one_address_that_leads_nowhere_stops_no_other_camera(url: str) -> None:
    poller: Any = Followed()
    talk = Talk(poller, Pace())
    for name, at in (("a", "http://10.0.0.2"), ("b", url), ("c", "http://10.0.0.3:8080/onvif")):
        talk.take({"put": Row(name, "thon", 60, at).to_json()})
    assert poller.names == ["a", "c"]
