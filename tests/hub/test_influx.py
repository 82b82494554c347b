"""InfluxDB as a follower: in order, from the cursor, past single bad points, and never in anybody's way."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from hub.history import cursor, influx
from hub.history.influx import NAME, Away, Influx, PointRefused, Server
from hub.history.influxql import InfluxQL, NoAnswer
from hub.settings import InfluxSettings
from tests.brokers import PATIENCE_S, free_port
from tests.hub.history_scene import T0, Journal, light
from tests.timeseries import InfluxDB1, Proxy, VictoriaMetrics, ask, proxied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BUCKET_MS = 300_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "var", light("den-1", "xom-1"), light("den-2"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def _influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB1]:
    made = InfluxDB1(tmp_path_factory.mktemp("influx"))
    yield made
    made.stop()


@pytest.fixture
def influxd(_influxd: InfluxDB1) -> InfluxDB1:
    """An empty one."""
    _influxd.query('DROP DATABASE "village-hub"')
    _influxd.query('CREATE DATABASE "village-hub"')
    return _influxd


@pytest.fixture
def proxy(influxd: InfluxDB1) -> Iterator[Proxy]:
    with proxied(influxd.port) as made:
        yield made


def follower(journal: Journal, url: str, **more: Any) -> Influx:
    return Influx(
        settings=InfluxSettings(url=url, token="t0ken"),
        path=journal.store.path,
        devices=lambda: journal.devices,
        submit=journal.submit,
        now=lambda: T0,
        retry_s=(0.02,),
        timeout_s=5.0,
        **more,
    )


class Taken:
    """A server that is a list; what holds `bad` it refuses."""

    def __init__(self, *bad: str) -> None:
        self.lines: list[str] = []
        self.bad = bad
        self.calls = 0
        self.away = False

    def __call__(self, lines: Sequence[str]) -> None:
        self.calls += 1
        if self.away:
            raise Away("no route")
        if any(b in x for b in self.bad for x in lines):
            raise PointRefused("partial write: field type conflict")
        self.lines += lines


def all_of(run: Influx, write: Callable[[Sequence[str]], None]) -> None:
    run.pos = cursor.read(run._path, NAME)
    while run.step(write):
        pass


def times(taken: Taken) -> list[int]:
    return [int(x.rpartition(" ")[2]) for x in taken.lines]


# --- the follower by itself -----------------------------------------------------------------------------------


def test_every_reading_in_the_journals_order(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx, "BATCH", 7)
    journal.put([(f"den-{1 + i % 2}", T0 + i, {"battery_v": 12.0}) for i in range(50)])
    taken = Taken()
    run = follower(journal, "http://x")
    all_of(run, taken)
    assert times(taken) == [T0 + i for i in range(50)]
    assert cursor.read(journal.store.path, NAME) == journal.pos
    assert (run.view.written, run.view.behind, run.view.refused, run.view.missed) == (50, 0, 0, 0)


def test_a_restart_goes_on_at_the_cursor(journal: Journal) -> None:
    journal.say("den-1", T0, battery_v=12.0)
    all_of(follower(journal, "http://x"), Taken())
    journal.say("den-1", T0 + 5, battery_v=12.1)
    taken = Taken()
    all_of(follower(journal, "http://x"), taken)
    assert times(taken) == [T0 + 5]


def test_the_cursor_stands_while_the_server_is_away(journal: Journal) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(10)])
    taken = Taken()
    taken.away = True
    run = follower(journal, "http://x")
    with pytest.raises(Away):
        all_of(run, taken)
    assert (run.pos, cursor.read(journal.store.path, NAME), run.view.written) == (0, 0, 0)
    taken.away = False
    all_of(run, taken)
    assert times(taken) == [T0 + i for i in range(10)]


@pytest.mark.parametrize("bad", [[0], [9], [3], [2, 3], [0, 4, 9], list(range(10))])
def test_the_bad_point_is_found_set_aside_and_passed(journal: Journal, bad: list[int]) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(10)])
    taken = Taken(*(f" {T0 + i}" for i in bad))
    run = follower(journal, "http://x")
    all_of(run, taken)
    assert times(taken) == [T0 + i for i in range(10) if i not in bad]
    assert (run.view.written, run.view.refused) == (10 - len(bad), len(bad))
    assert run.troubles() == ("influxdb_refused",)
    kept = journal.store.path.with_name("influxdb.refused").read_text()
    assert kept.count("type conflict") == len(bad)
    assert all(f" {T0 + i}\n" in kept for i in bad)


def test_one_bad_point_among_thousands_costs_few_requests(journal: Journal) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(4096)])
    taken = Taken(f" {T0 + 1234}")
    all_of(follower(journal, "http://x"), taken)
    assert len(taken.lines) == 4095
    assert taken.calls == 1 + 2 * 12


def test_what_was_set_aside_is_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(influx, "KEPT_BYTES", 300)
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(50)])
    run = follower(journal, "http://x")
    all_of(run, Taken("battery_v"))
    assert run.view.refused == 50
    assert journal.store.path.with_name("influxdb.refused").stat().st_size < 600


def test_a_store_that_is_full_costs_nothing_but_a_second_write(journal: Journal) -> None:
    journal.say("den-1", T0, battery_v=12.0)
    journal.broken = True
    run, taken = follower(journal, "http://x"), Taken()
    all_of(run, taken)
    assert (run.pos, cursor.read(journal.store.path, NAME)) == (1, 0)
    journal.broken = False
    all_of(follower(journal, "http://x"), taken)
    assert taken.lines[0] == taken.lines[1], "the same point, which InfluxDB keeps once"


def test_what_was_trimmed_before_it_was_written_is_counted(journal: Journal) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(10)])
    run, taken = follower(journal, "http://x"), Taken()
    all_of(run, taken)
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(10, 20)])
    journal.store._db.execute("DELETE FROM journal WHERE pos <= 15")
    all_of(run, taken)
    assert run.view.missed == 5
    assert times(taken) == [T0 + i for i in (*range(10), *range(15, 20))]


def test_a_first_start_begins_with_what_is_there_and_misses_nothing(journal: Journal) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(10)])
    journal.store._db.execute("DELETE FROM journal WHERE pos <= 5")
    run, taken = follower(journal, "http://x"), Taken()
    all_of(run, taken)
    assert (len(taken.lines), run.view.missed) == (5, 0)


def test_a_device_that_is_no_more_is_passed_over(journal: Journal) -> None:
    journal.say("den-1", T0, battery_v=12.0)
    journal.say("den-2", T0, battery_v=12.0)
    del journal.devices[journal.ids["den-1"]]
    taken = Taken()
    all_of(follower(journal, "http://x"), taken)
    assert len(taken.lines) == 1


# --- a real InfluxDB ------------------------------------------------------------------------------------------


def everything(influxd: InfluxDB1) -> list[list[Any]]:
    return influxd.query('SELECT battery_v, device, site FROM "solar_light"')


def through(run: Influx) -> None:
    server = Server(run._settings)
    try:
        all_of(run, server.write)
    finally:
        server.close()


def test_what_is_written_is_found_there(journal: Journal, influxd: InfluxDB1, proxy: Proxy) -> None:
    proxy.token = "t0ken"
    journal.say("den-1", T0, battery_v=12.5, faults=['a"b'])
    journal.say("den-2", T0 + 1, battery_v=13)
    run = follower(journal, proxy.url)
    through(run)
    assert everything(influxd) == [[T0, 12.5, "den-1", "xom-1"], [T0 + 1, 13.0, "den-2", None]]
    assert run.view.refused == 0


def test_twice_is_once(journal: Journal, influxd: InfluxDB1, proxy: Proxy) -> None:
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(20)])
    for _ in range(2):
        through(follower(journal, proxy.url))
        journal.store._db.execute("DELETE FROM cursor")
    assert len(proxy.writes) == 2
    assert len(everything(influxd)) == 20


def test_a_type_conflict_costs_its_point_and_no_other(
    journal: Journal, influxd: InfluxDB1, proxy: Proxy
) -> None:
    line = b'solar_light,device=den-1,kind=solar_light,realm=thap,site=xom-1 battery_v="text" 1600000000000'
    ask(influxd.port, "POST", "/write?db=village-hub&precision=ms", line)
    week = 7 * 86_400_000
    old = 1_600_000_000_000  # the conflict is in that week's shard only
    rows = [("den-1", T0 + i, {"battery_v": 12.0}) for i in range(30)]
    rows[11] = ("den-1", old, {"battery_v": 12.0})
    journal.put(rows)
    run = follower(journal, proxy.url)
    through(run)
    assert (run.view.written, run.view.refused) == (29, 1)
    assert "type conflict" in run.view.refused_why
    found = influxd.query(f'SELECT battery_v FROM "solar_light" WHERE time > {old + week}ms')  # noqa: S608 - numbers
    assert [at for at, _ in found] == [T0 + i for i in range(30) if i != 11]


@pytest.mark.parametrize("mood", [401, 404, 429, 500, 503])
def test_no_point_is_to_blame_for_these(journal: Journal, proxy: Proxy, mood: int) -> None:
    proxy.mood = mood
    journal.say("den-1", T0, battery_v=12.0)
    run = follower(journal, proxy.url)
    with pytest.raises(Away, match=f"{mood}.*not today"):
        through(run)
    assert (run.view.refused, cursor.read(journal.store.path, NAME)) == (0, 0)


def test_a_server_that_never_answers(proxy: Proxy) -> None:
    proxy.mood = "hangs"
    server = Server(InfluxSettings(url=proxy.url), timeout_s=0.2)
    with pytest.raises(Away, match=r"(?i)timed out"):
        server.write(["m v=1 1"])
    server.close()


def test_nobody_listens() -> None:
    server = Server(InfluxSettings(url=f"http://127.0.0.1:{free_port()}"), timeout_s=2)
    with pytest.raises(Away, match="refused"):
        server.write(["m v=1 1"])
    server.close()


def test_the_thread_sees_it_go_and_come_and_catches_up_in_order(
    journal: Journal, influxd: InfluxDB1, proxy: Proxy
) -> None:
    proxy.mood = 503
    journal.put([("den-1", T0 + i, {"battery_v": 12.0}) for i in range(100)])
    run = follower(journal, proxy.url, away_s=0.0)
    run.start()
    try:
        assert proxy.met.wait(PATIENCE_S)
        wait(lambda: not run.view.up)
        assert run.troubles() == ("influxdb_away",)
        assert "503" in run.view.why
        assert run.view.behind == 100
        journal.say("den-1", T0 + 100, battery_v=12.0)
        proxy.mood = ""
        wait(lambda: run.view.up and run.view.written == 101)
        assert run.troubles() == ()
    finally:
        run.stop()
    assert [row[0] for row in everything(influxd)] == [T0 + i for i in range(101)]


def wait(true: Callable[[], bool]) -> None:
    """Until it is so."""
    turn = threading.Event()
    for _ in range(PATIENCE_S * 100):
        if true():
            return
        turn.wait(0.01)
    raise AssertionError("it did not come")


# --- VictoriaMetrics ------------------------------------------------------------------------------------------


def test_victoria_metrics_takes_the_same_lines(journal: Journal, tmp_path: Path) -> None:
    server = VictoriaMetrics(tmp_path / "vm")
    try:
        with proxied(server.port) as proxy:
            journal.put([("den-1", T0 + 1000 * i, {"battery_v": 12.0 + i}) for i in range(3)])
            run = follower(journal, proxy.url)
            through(run)
            assert run.view.refused == 0
        found = server.export('{__name__="solar_light_battery_v"}')
    finally:
        server.stop()
    assert len(found) == 1
    assert found[0]["metric"]["device"] == "den-1"
    assert found[0]["values"] == [12, 13, 14]
    assert found[0]["timestamps"] == [T0 + 1000 * i for i in range(3)]


# --- reading --------------------------------------------------------------------------------------------------


def test_buckets_of_lowest_mean_and_highest(journal: Journal, proxy: Proxy) -> None:
    journal.put(
        [
            ("den-1", T0, {"battery_v": 12.0}),
            ("den-1", T0 + 1000, {"battery_v": 13.0}),
            ("den-1", T0 + BUCKET_MS - 1, {"battery_v": 17.0}),
            ("den-1", T0 + BUCKET_MS, {"battery_v": 11.0, "faults": ["x"], "lamp_lit": True}),
            ("den-2", T0, {"battery_v": 1.0}),
            ("den-1", T0 + 9 * BUCKET_MS, {"battery_v": 9.0}),
        ]
    )
    through(follower(journal, proxy.url))
    source = InfluxQL(InfluxSettings(url=proxy.url))
    device = journal.devices[journal.ids["den-1"]]
    found = source.points(device, T0, T0 + 9 * BUCKET_MS, BUCKET_MS)
    assert [p.at for p in found] == [T0, T0 + BUCKET_MS]
    assert found[0].values["battery_v"] == (12.0, 14.0, 17.0)
    assert found[1].values == {"battery_v": (11.0, 11.0, 11.0)}


def test_a_past_that_is_empty(proxy: Proxy) -> None:
    assert InfluxQL(InfluxSettings(url=proxy.url)).points(light("den-9"), 0, T0, BUCKET_MS) == []


def test_no_answer_is_said() -> None:
    with pytest.raises(NoAnswer, match="refused"):
        InfluxQL(InfluxSettings(url=f"http://127.0.0.1:{free_port()}")).points(light("a"), 0, 1, 1)


def test_a_database_that_is_not_there(proxy: Proxy) -> None:
    with pytest.raises(NoAnswer, match="not found"):
        InfluxQL(InfluxSettings(url=proxy.url, bucket="other")).points(light("a"), 0, T0, BUCKET_MS)


def test_what_is_no_influxdb() -> None:
    class Odd(Proxy):
        def answer(self, behind: int, path: str, body: bytes, login: str) -> tuple[int, bytes]:
            del behind, path, body, login
            return 200, json.dumps({"hello": 1}).encode()

    odd = Odd(0)
    try:
        with pytest.raises(NoAnswer, match="not an answer"):
            InfluxQL(InfluxSettings(url=odd.url)).points(light("a"), 0, 1, 1)
    finally:
        odd.stop()
