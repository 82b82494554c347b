"""One contract suite over every dialect in DRIVERS."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.device import FIELDS, Device, Kind
from devices.event import Reading
from drivers import CAPABILITIES, DRIVERS, KNOWN, VISITING
from drivers.contract import Dialect, Key
from drivers.errors import BadPayload

EVERY = pytest.mark.parametrize("dialect", DRIVERS.values(), ids=DRIVERS.keys())


def test_every_driver_says_what_it_can_prove() -> None:
    assert CAPABILITIES.keys() == KNOWN
    assert all(can.accepts for name, can in CAPABILITIES.items() if name in VISITING)
    doc = (Path(__file__).parents[2] / "docs" / "drivers.md").read_text(encoding="utf-8")
    for name, can in CAPABILITIES.items():
        said = ("yes" if can.reports else "no", "yes" if can.accepts else "no", f"`{can.receipts}`")
        assert f"| `{name}` | {' | '.join(said)} |" in doc


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


_said = st.dictionaries(
    st.sampled_from([f.name for k in Kind for f in FIELDS[k]]),
    st.one_of(st.floats(-200, 200), st.integers(-9, 9), st.booleans(), st.text(max_size=3), st.none())
    | st.lists(st.sampled_from(["lampFailure", "x"]), max_size=2),
)


@EVERY
@given(kind=st.sampled_from(list(Kind)), said=_said)
def test_the_quick_way_gives_what_is_read(dialect: Dialect, kind: Kind, said: dict[str, object]) -> None:
    quick = dialect.quick(kind)
    if quick is None:
        return
    body = json.dumps(said | {"boot": 1, "seq": 2}).encode()
    try:
        found = {n: v for n, v in quick(body).items() if n in {f.name for f in FIELDS[kind]}}
    except ValueError:
        return
    read = dialect.read(Key("r", "d", "telemetry"), body, 0, Device("d", kind, "r", ""))
    assert [e.values for e in read if type(e) is Reading] == [found]
