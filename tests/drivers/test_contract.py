"""One contract suite over every dialect in DRIVERS."""

from __future__ import annotations

from itertools import combinations

import pytest

from devices.device import Device, Kind
from drivers import DRIVERS
from drivers.contract import Dialect, Key
from drivers.errors import BadPayload

EVERY = pytest.mark.parametrize("dialect", DRIVERS.values(), ids=DRIVERS.keys())


def overlap(a: str, b: str) -> bool:
    """True where one topic could match both filters."""
    left, right = a.split("/"), b.split("/")
    for x, y in zip(left, right, strict=False):
        if "#" in (x, y):
            return True
        if x != y and "+" not in (x, y):
            return False
    return len(left) == len(right) or "#" in (left + right)


@EVERY
def test_it_subscribes_to_no_more_than_it_reads(dialect: Dialect) -> None:
    assert dialect.filters
    for wanted in dialect.filters:
        assert "#" not in wanted, "its own publications would come back: MQTT 3.1.1 has no no-local"
        assert dialect.route(wanted.replace("+", "a1")) is not None


def test_no_two_filters_overlap() -> None:
    filters = [f for d in DRIVERS.values() for f in d.filters]
    assert not [(a, b) for a, b in combinations(filters, 2) if overlap(a, b)]


@EVERY
@pytest.mark.parametrize(
    "topic", ["", "/", "$SYS/broker/uptime", "a/b", "\ufffd", "vh/1/hub/hub-1/marker", "+/+", "#"]
)
def test_it_passes_over_what_is_not_its_own(dialect: Dialect, topic: str) -> None:
    assert dialect.route(topic) is None


@EVERY
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize(
    "payload", [b"", b"\xff" * 50, b"{}", b"null", b"[" * 9999, b"x" * 300_000], ids=lambda p: str(p[:4])
)
def test_garbled_payloads_raise_bad_payload_only(dialect: Dialect, kind: Kind, payload: bytes) -> None:
    for wanted in dialect.filters:
        key = dialect.route(wanted.replace("+", "a1"))
        assert isinstance(key, Key)
        bad = None
        try:
            dialect.read(key, payload, 0, Device("a1", kind, "a1", "s"))
        except BadPayload as e:
            bad = e
        assert bad is None or (bad.permanent and len(bad.excerpt) <= 80)
