from __future__ import annotations

from devices.device import Kind
from hub.web import chart
from hub.web.history import PointAnswer
from tests.web.fake_core import HOUR, NOW

START = NOW - chart.DAY_MS
DAY = chart.Window.of(chart.Span.DAY, NOW)
BUCKET_MS = DAY.bucket_ms


def point(at: int, low: float, mean: float, high: float) -> PointAnswer:
    return PointAnswer(at=at, values={"battery_v": (low, mean, high)})


def test_only_what_was_reported_is_drawn() -> None:
    assert chart.charts(Kind.SOLAR_LIGHT, [], DAY) == ()
    drawn = chart.charts(Kind.SOLAR_LIGHT, [point(NOW - HOUR, 12, 12.5, 13)], DAY)
    assert [c.field for c in drawn] == ["battery_v"]
    assert (drawn[0].low, drawn[0].high, drawn[0].last) == (12, 13, 12.5)


def test_a_silence_breaks_the_line() -> None:
    near = [point(START + i * BUCKET_MS, 1, 2, 3) for i in (0, 1, 4, 8)]
    assert [len(m.split()) for m in chart.charts(Kind.SOLAR_LIGHT, near, DAY)[0].means] == [3, 2]


def test_everything_stays_inside() -> None:
    points = [point(START - HOUR, 0, 0, 0), point(START, 5, 5, 5), point(NOW - 60_000, 9, 9, 9)]
    drawn = chart.charts(Kind.SOLAR_LIGHT, points, DAY)[0]
    pairs = [p.split(",") for line in (*drawn.means, *drawn.bands) for p in line.split()]
    assert all(0 <= float(x) <= chart.WIDTH and 0 <= float(y) <= chart.HEIGHT for x, y in pairs)


def test_a_flat_line_is_drawn_too() -> None:
    flat = [point(START + i * BUCKET_MS, 7, 7, 7) for i in range(3)]
    drawn = chart.charts(Kind.SOLAR_LIGHT, flat, DAY)[0]
    assert (drawn.low, drawn.high) == (7, 7)


def test_nights_are_shaded_where_they_are() -> None:
    sunset, sunrise = NOW + 21 * HOUR + 32 * 60_000, NOW + 10 * HOUR + 29 * 60_000
    drawn = chart.charts(Kind.SOLAR_LIGHT, [point(NOW - HOUR, 1, 1, 1)], DAY, (sunset, sunrise))[0]
    (first, width), (second, rest) = drawn.nights
    assert first == 0
    assert width == round((10 * 60 + 29) / 1440 * chart.WIDTH, 1)
    assert second == round((21 * 60 + 32) / 1440 * chart.WIDTH, 1)
    assert abs(second + rest - chart.WIDTH) < 0.2
