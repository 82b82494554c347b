"""Deafness: heard time stands still while the hub cannot hear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.deaf import Deafness, Span


def spans_of(cuts: list[int]) -> list[Span]:
    """Pairs of strictly growing numbers as closed spans."""
    edges = sorted(set(cuts))
    edges = edges[: len(edges) // 2 * 2]
    return [Span(a, b, "test", cut=False) for a, b in zip(edges[::2], edges[1::2], strict=True)]


SPANS = st.lists(st.integers(0, 300), max_size=12).map(spans_of)


def naive(spans: list[Span], t: int) -> int:
    """Heard time by counting ms."""
    return t - sum(1 for ms in range(t) for s in spans if s.start <= ms and (s.end is None or ms < s.end))


@given(SPANS, st.integers(0, 320))
def test_heard_time_is_time_less_all_deaf_time_before_it(spans: list[Span], t: int) -> None:
    assert Deafness(spans).heard(t) == naive(spans, t)


@given(SPANS, st.integers(0, 300), st.integers(0, 320))
def test_it_stands_still_in_an_open_span(spans: list[Span], start: int, t: int) -> None:
    deaf = Deafness(spans)
    span = deaf.start(start, "broker", cut=True)
    assert span is not None
    assert deaf.heard(t) == naive(deaf.spans, t)


@given(SPANS, st.integers(0, 400), st.booleans())
def test_instant_is_the_first_moment_at_which_so_much_was_heard(
    spans: list[Span], heard: int, still: bool
) -> None:
    deaf = Deafness(spans)
    if still:
        deaf.start(deaf.instant(500), "broker", cut=True)
    t = deaf.instant(heard)
    assert deaf.heard(t) == heard
    assert t == 0 or deaf.heard(t - 1) < heard or t == heard == 0


@given(SPANS, st.integers(0, 320))
def test_an_instant_comes_back_but_for_what_lies_within_a_span(spans: list[Span], t: int) -> None:
    deaf = Deafness(spans)
    back = deaf.instant(deaf.heard(t))
    within = next((s for s in spans if s.start <= t <= (s.end or 0)), None)
    assert back == (t if within is None else within.start)


@given(SPANS, st.integers(0, 150), st.integers(150, 320))
def test_overlap_is_what_lies_between(spans: list[Span], start: int, end: int) -> None:
    assert Deafness(spans).overlap(start, end) == (end - start) - (naive(spans, end) - naive(spans, start))


def test_a_span_opens_and_ends_once() -> None:
    deaf = Deafness()
    assert deaf.end(5) is None
    span = deaf.start(10, "broker", cut=False)
    assert span is not None
    assert deaf.open is span
    assert deaf.start(12, "start", cut=True) is None, "deaf already"
    assert span.cut, "but it cuts from now on"
    assert deaf.end(20) is span
    assert deaf.open is None
    assert deaf.end(30) is None
    assert deaf.total == 10


def test_spans_stay_apart_and_never_run_backwards() -> None:
    deaf = Deafness()
    deaf.start(10, "broker", cut=False)
    deaf.end(20)
    again = deaf.start(15, "stalled", cut=False)
    assert again is not None
    assert again.start == 20
    ended = deaf.end(18)
    assert ended is not None
    assert ended.end == 20
    assert deaf.total == 10


@pytest.mark.parametrize(("t", "heard"), [(9, 9), (10, 10), (11, 10), (19, 10), (20, 10), (21, 11)])
def test_the_edges_of_a_span(t: int, heard: int) -> None:
    assert Deafness([Span(10, 20, "broker", cut=True)]).heard(t) == heard


@given(SPANS, st.integers(0, 12), st.integers(0, 200), st.booleans())
def test_spans_that_are_no_longer_known_one_by_one_move_nothing(
    spans: list[Span], known: int, more: int, still: bool
) -> None:
    whole = Deafness(spans)
    lost = spans[: max(0, len(spans) - known)]
    part = Deafness(spans[len(lost) :], sum((s.end or 0) - s.start for s in lost))
    since = lost[-1].end or 0 if lost else 0
    if still:
        whole.start(whole.instant(400), "broker", cut=True)
        part.start(part.instant(400), "broker", cut=True)
    assert part.heard(since + more) == whole.heard(since + more)
    heard = whole.heard(since) + more + 1
    assert part.instant(heard) == whole.instant(heard)
