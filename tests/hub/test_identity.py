"""Identity windows against a plain set: exact while a device has few gaps, and bounded whatever it sends."""

from __future__ import annotations

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.identity import BOOTS, GAPS, Boots, admit


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 40)), max_size=200))
def test_the_ranges_say_what_a_set_would_say(messages: list[tuple[int, int]]) -> None:
    boots: Boots = {}
    seen: set[tuple[int, int]] = set()
    for boot, seq in messages:
        assert admit(boots, boot, seq) is ((boot, seq) not in seen)
        seen.add((boot, seq))
        for ranges in boots.values():
            assert all(a <= b for a, b in zip(ranges[::2], ranges[1::2], strict=True))
            # Ranges are apart by at least one missing number, else they would be one
            assert all(high + 1 < low for high, low in pairwise(ranges[1:-1]) if ranges.index(high) % 2)


@given(st.permutations(range(1, 60)))
def test_any_order_ends_in_one_range(order: list[int]) -> None:
    boots: Boots = {}
    assert all(admit(boots, 7, seq) for seq in order)
    assert boots == {7: [1, 59]}
    assert not any(admit(boots, 7, seq) for seq in order)


def test_fresh_messages_before_hours_of_backlog_are_no_duplicates() -> None:
    boots: Boots = {}
    assert admit(boots, 1, 100_000)
    assert all(admit(boots, 1, seq) for seq in range(1, 100_000, 1000))
    assert not admit(boots, 1, 100_000)
    assert not admit(boots, 1, 1)


def test_a_number_is_its_own_in_every_boot() -> None:
    boots: Boots = {}
    assert admit(boots, 1, 5)
    assert admit(boots, 2, 5)
    assert not admit(boots, 1, 5)


def test_the_oldest_boot_is_forgotten() -> None:
    boots: Boots = {}
    for boot in range(BOOTS + 1):
        admit(boots, boot, 1)
    assert list(boots) == list(range(1, BOOTS + 1))
    assert not admit(boots, 1, 1)


def test_a_boot_that_is_spoken_of_again_does_not_become_the_newest() -> None:
    boots: Boots = {}
    admit(boots, 1, 1)
    admit(boots, 2, 1)
    admit(boots, 1, 2)
    assert list(boots) == [1, 2]


def test_gaps_are_kept_up_to_the_cap() -> None:
    boots: Boots = {}
    for seq in range(1, 2 * (GAPS + 1), 2):
        admit(boots, 1, seq)
    assert len(boots[1]) == 2 * (GAPS + 1)
    assert admit(boots, 1, 2), "every number between is still known to be missing"


def test_beyond_the_cap_the_oldest_gap_counts_as_seen() -> None:
    boots: Boots = {}
    for seq in range(1, 2 * (GAPS + 2), 2):
        admit(boots, 1, seq)
    assert len(boots[1]) == 2 * (GAPS + 1)
    assert not admit(boots, 1, 2), "given up"
    assert admit(boots, 1, 4), "the next gap is still exact"


@given(st.lists(st.integers(1, 10_000), max_size=600))
def test_memory_is_bounded_and_nothing_seen_is_ever_new_again(seqs: list[int]) -> None:
    boots: Boots = {}
    for seq in seqs:
        admit(boots, 1, seq)
        assert len(boots[1]) <= 2 * (GAPS + 1)
        assert not admit(boots, 1, seq)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 30)), max_size=60))
def test_it_survives_the_checkpoint(messages: list[tuple[int, int]]) -> None:
    boots: Boots = {}
    for boot, seq in messages:
        admit(boots, boot, seq)
    again: Boots = dict(json.loads(json.dumps(list(boots.items()))))
    assert again == boots
    assert list(again) == list(boots)
