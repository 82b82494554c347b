"""What the broker refused is kept out of its debug log, and read as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import denied

if TYPE_CHECKING:
    from pathlib import Path

LOG = [
    b"1: New client connected from 127.0.0.1:5 as my pub (p2, c1, k60, u'den-1').\n",
    b"1: Received PUBLISH from my pub (d0, q1, r0, m1, 'vh/1/a/den-1/telemetry', ... (2 bytes))\n",
    b"2: Denied PUBLISH from my pub (d0, q1, r0, m1, 'vh/1/a/den-2/telemetry', ... (2 bytes))\n",
    b"3: Client my pub disconnected due to oversize packet.\n",
    b"4: Denied PUBLISH from nobody-we-know (d0, q1, r0, m1, 'x/y', ... (2 bytes))\n",
    b"5: Error: something else\n",
    b"6: Warning: Mosquitto should not be run as root/administrator.\n",
]


def test_cases_are_kept_by_user_and_the_rest_is_passed_over(tmp_path: Path) -> None:
    tail = denied.Tail(tmp_path)
    assert tail.fresh() == []
    assert list(denied.keep(LOG, tmp_path)) == [b"5: Error: something else\n"]
    assert tail.fresh() == [
        ("denied", "den-1", "vh/1/a/den-2/telemetry"),
        ("garbled", "den-1", "too large for the broker"),
        ("denied", "nobody-we-know", "x/y"),
    ]
    assert tail.fresh() == []


def test_what_was_there_at_the_start_is_no_news(tmp_path: Path) -> None:
    list(denied.keep(LOG, tmp_path))
    tail = denied.Tail(tmp_path)
    assert tail.fresh() == []
    list(denied.keep(LOG[:3], tmp_path))
    assert [d.user for d in tail.fresh()] == ["den-1"]


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    tail = denied.Tail(tmp_path)
    (tmp_path / denied.FILE).write_bytes(b"denied\tden-1\tx")
    assert tail.fresh() == []
    (tmp_path / denied.FILE).write_bytes(b"denied\tden-1\tx/y\n")
    assert [d.what for d in tail.fresh()] == ["x/y"]


def test_a_file_that_began_anew_is_read_from_its_start(tmp_path: Path) -> None:
    list(denied.keep(LOG, tmp_path))
    tail = denied.Tail(tmp_path)
    (tmp_path / denied.FILE).write_bytes(b"denied\tden-9\tz\n")
    assert [d.user for d in tail.fresh()] == ["den-9"]


def test_a_folder_that_takes_nothing_stops_nobody(tmp_path: Path) -> None:
    assert list(denied.keep(LOG, tmp_path / "gone")) == [b"5: Error: something else\n"]


def test_without_a_folder_there_is_nothing_to_read() -> None:
    assert denied.Tail(None).fresh() == []


def came(at: int, address: str, user: str = "den-1") -> bytes:
    return f"{at}: New client connected from {address}:{at % 60000} as c-{address} (p2, c1, k60, u'{user}').\n".encode()


def test_a_user_from_two_places_in_turn_is_told(tmp_path: Path) -> None:
    tail = denied.Tail(tmp_path)
    list(denied.keep([came(100 + n, f"10.0.0.{n % 2}") for n in range(4)], tmp_path))
    assert tail.fresh() == [("copied", "den-1", "10.0.0.0, 10.0.0.1")]


def test_who_moves_or_comes_back_from_the_same_place_is_no_copy(tmp_path: Path) -> None:
    tail = denied.Tail(tmp_path)
    lines = [came(n, f"10.0.0.{n}", "moves") for n in range(20)]
    lines += [came(n, "10.0.0.1", "stays") for n in range(20)]
    lines += [came(n * 301, f"10.0.0.{n % 2}", "seldom") for n in range(20)]
    lines += [came(n, f"10.0.0.{n}", f"user-{n % 2}") for n in range(20)]
    list(denied.keep(lines, tmp_path))
    assert tail.fresh() == []
