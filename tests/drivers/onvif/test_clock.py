from __future__ import annotations

import time
from types import SimpleNamespace as Said
from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import CameraError, Code
from drivers.onvif.clock import offset_s, read
from tests.drivers.onvif.fake import Answer, FakeCamera, date_time, fault

if TYPE_CHECKING:
    from tests.drivers.onvif.conftest import Client

NOW = 1_795_000_000.0
"""2026-11-18 11:06:40 UTC."""


def told(at: float | None) -> Any:
    if at is None:
        return None
    t = time.gmtime(at)
    return Said(
        Date=Said(Year=t.tm_year, Month=t.tm_mon, Day=t.tm_mday),
        Time=Said(Hour=t.tm_hour, Minute=t.tm_min, Second=t.tm_sec),
    )


def clock(utc: float | None, local: float | None = None, zone: str = "ICT-7", saving: bool = False) -> Any:
    return Said(
        DateTimeType="Manual",
        DaylightSavings=saving,
        TimeZone=Said(TZ=zone),
        UTCDateTime=told(utc),
        LocalDateTime=told(local),
    )


@pytest.mark.parametrize(
    ("said", "drift", "source"),
    [
        (clock(NOW), 0, "utc"),
        (clock(NOW + 90, NOW + 90 + 25200), 90, "utc"),
        (clock(120.0), 120 - NOW, "utc"),  # 1970: it lost its battery; true as said
        (clock(None, NOW + 25200 + 30), 30, "local"),
        (clock(None, NOW + 28800 + 30, "CST-7:00:00", saving=True), 30, "local"),
        (clock(None, NOW + 25200 + 30, "GMT+07:00"), 30, "guessed"),
        (clock(None, NOW + 25200 - 40, ""), -40, "guessed"),
        (clock(None, 5000.0, ""), 5000 - NOW, "guessed"),
        (clock(NOW + 25200 + 5, NOW + 25200 + 5), 5, "local_as_utc"),
        (clock(NOW + 3, NOW + 3), 3, "utc"),  # its local time is the wrong one of the two
        (clock(None), None, "none"),
    ],
)
def test_drift(said: Any, drift: float | None, source: str) -> None:
    found = read(said, NOW)
    assert found.source == source
    assert found.drift_s == (None if drift is None else pytest.approx(drift, abs=0.6))
    signing = {"none": 0.0, "local_as_utc": 25205.0}.get(source, drift)
    assert found.sign_s == pytest.approx(signing, abs=0.6)


@pytest.mark.parametrize(
    "date",
    [
        Said(Date=Said(Year=0, Month=0, Day=0), Time=Said(Hour=0, Minute=0, Second=0)),
        Said(Date=Said(Year=2026, Month=0, Day=0), Time=Said(Hour=0, Minute=0, Second=0)),
        Said(Date=Said(Year=2026, Month=2, Day=30), Time=Said(Hour=0, Minute=0, Second=0)),
        Said(Date=Said(Year=2026, Month=2, Day=3), Time=Said(Hour=25, Minute=0, Second=0)),
        Said(Date=Said(Year=None, Month=2, Day=3), Time=Said(Hour=1, Minute=0, Second=0)),
        Said(Date=Said(Year=99999, Month=2, Day=3), Time=Said(Hour=1, Minute=0, Second=0)),
        Said(Date=None, Time=None),
    ],
)
def test_dates_that_are_none(date: Any) -> None:
    said = clock(None)
    said.UTCDateTime = date
    assert read(said, NOW).drift_s is None
    said.LocalDateTime = told(NOW + 25200)
    assert read(said, NOW).source == "local"


def test_a_leap_second_is_the_second_before() -> None:
    said = clock(NOW)
    said.UTCDateTime.Time.Second = 60
    assert read(said, NOW).source == "utc"


@pytest.mark.parametrize(
    ("zone", "seconds"),
    [
        ("ICT-7", 25200),
        ("<+07>-7", 25200),
        ("CST-8:00:00", 28800),
        ("EST5EDT,M3.2.0,M11.1.0", -18000),
        ("UTC0", 0),
        ("IST-5:30", 19800),
        ("UTC+7", None),
        ("GMT+07:00", None),
        ("GMT-07:00", None),
        ("Asia/Ho_Chi_Minh", None),
        ("", None),
        ("X99", None),
        ("\x00" * 50, None),
    ],
)
def test_zones(zone: str, seconds: int | None) -> None:
    assert offset_s(zone) == seconds


async def test_zero_dates_from_a_camera(fake: FakeCamera, client: Client) -> None:
    zero = "".join(f"<tt:{n}>0</tt:{n}>" for n in ("Hour", "Minute", "Second"))
    none = "".join(f"<tt:{n}>0</tt:{n}>" for n in ("Year", "Month", "Day"))
    date = f"<tt:Time>{zero}</tt:Time><tt:Date>{none}</tt:Date>"
    fake.handlers["GetSystemDateAndTime"] = lambda _: (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>"
        f"<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime>{date}</tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )
    camera = client()
    assert (await camera.clock()).drift_s is None
    await camera.information()  # signed with our own clock then


@pytest.mark.parametrize(
    "answer",
    [fault("ActionNotSupported", "no"), Answer(b"", 400), Answer(b"", 404), Answer(b"x", 200)],
    ids=["fault", "400", "404", "text"],
)
async def test_a_camera_that_does_not_tell_its_time(fake: FakeCamera, client: Client, answer: Answer) -> None:
    fake.handlers["GetSystemDateAndTime"] = lambda _: answer
    camera = client()
    await camera.information()
    await camera.information()
    assert fake.operations.count("GetSystemDateAndTime") == 1


async def test_a_clock_that_wants_a_login(fake: FakeCamera, client: Client) -> None:
    fake.public = set()
    camera = client()
    assert (await camera.clock()).source == "utc"
    assert fake.requests[1].signed


async def test_a_clock_that_wants_a_login_and_none_is_registered(fake: FakeCamera, client: Client) -> None:
    fake.public = set()
    with pytest.raises(CameraError) as caught:
        await client(username="").clock()
    assert caught.value.code is Code.LOGIN_REFUSED


async def test_wrong_namespaces_and_orders_and_additions(fake: FakeCamera, client: Client) -> None:
    now = date_time(fake.now() + 60)
    fake.handlers["GetSystemDateAndTime"] = lambda _: (
        "<trt:GetSystemDateAndTimeResponse><tt:SystemDateAndTime xmlns:vendor='urn:v'><vendor:New>1</vendor:New>"
        f"<tds:UTCDateTime>{now.replace('tt:', 'tds:')}</tds:UTCDateTime><tds:DateTimeType>NTP</tds:DateTimeType>"
        "</tt:SystemDateAndTime></trt:GetSystemDateAndTimeResponse>"
    )
    found = await client().clock()
    assert found.drift_s == pytest.approx(60, abs=3)
    assert found.sync == "NTP"


async def test_a_clock_is_set(fake: FakeCamera, client: Client) -> None:
    fake.skew_s = -5000.0

    def mend(_: object) -> str:
        fake.skew_s = 0.0
        return "<tds:SetSystemDateAndTimeResponse/>"

    fake.handlers["SetSystemDateAndTime"] = mend
    camera = client()
    assert (await camera.clock()).drift_s == pytest.approx(-5000, abs=3)
    assert (await camera.set_clock()).drift_s == pytest.approx(0, abs=3)
    asked = next(r for r in fake.requests if r.operation == "SetSystemDateAndTime")
    assert asked.text("DateTimeType") == "Manual"
    assert asked.text("TZ") == "ICT-7"
