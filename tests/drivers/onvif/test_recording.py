from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest

from drivers.onvif import CameraError, Code
from tests.drivers.onvif.fake import Answer, FakeCamera, fault

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.drivers.onvif.conftest import Client


def offers(fake: FakeCamera, *names: str) -> None:
    fake.handlers["GetServices"] = lambda _: fake.services(*((n, f"{fake.url}/{n}") for n in names))


def summary(count: int, until: float) -> str:
    at = dt.datetime.fromtimestamp(until, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        "<tse:GetRecordingSummaryResponse><tse:Summary><tt:DataFrom>2026-01-01T00:00:00Z</tt:DataFrom>"
        f"<tt:DataUntil>{at}</tt:DataUntil><tt:NumberRecordings>{count}</tt:NumberRecordings></tse:Summary>"
        "</tse:GetRecordingSummaryResponse>"
    )


def jobs(modes: Iterable[str]) -> str:
    items = "".join(
        f"<trc:JobItem><tt:JobToken>j{i}</tt:JobToken><tt:JobConfiguration><tt:RecordingToken>r</tt:RecordingToken>"
        f"<tt:Mode>{mode}</tt:Mode><tt:Priority>1</tt:Priority></tt:JobConfiguration></trc:JobItem>"
        for i, mode in enumerate(modes)
    )
    return f"<trc:GetRecordingJobsResponse>{items}</trc:GetRecordingJobsResponse>"


def state(word: str) -> str:
    return (
        "<trc:GetRecordingJobStateResponse><trc:State><tt:RecordingToken>r</tt:RecordingToken>"
        f"<tt:State>{word}</tt:State></trc:State></trc:GetRecordingJobStateResponse>"
    )


@pytest.mark.parametrize(
    ("count", "age_s", "answer", "reason"),
    [(3, 30, True, "recent"), (3, 86_400, False, "old"), (0, 0, False, "empty")],
)
async def test_the_newest_picture_by_the_cameras_clock(
    fake: FakeCamera, client: Client, count: int, age_s: float, answer: bool, reason: str
) -> None:
    fake.skew_s = -30 * 86_400.0
    offers(fake, "search")
    fake.handlers["GetRecordingSummary"] = lambda _: summary(count, fake.now() - age_s)
    found = await client().recording()
    assert (found.answer, found.reason) == (answer, reason)
    if count:
        assert found.until == pytest.approx(time.time() - age_s, abs=5)


@pytest.mark.parametrize(
    ("modes", "word", "answer", "reason"),
    [
        (["Idle", "Active"], "Active", True, "job_active"),
        (["Active"], "Error", False, "job_idle"),
        (["Idle"], "Active", False, "job_idle"),
        ([], "", False, "no_job"),
    ],
)
async def test_recording_jobs(
    fake: FakeCamera, client: Client, modes: list[str], word: str, answer: bool, reason: str
) -> None:
    offers(fake, "recording")
    fake.handlers["GetRecordingJobs"] = lambda _: jobs(modes)
    fake.handlers["GetRecordingJobState"] = lambda _: state(word)
    found = await client().recording()
    assert (found.answer, found.reason) == (answer, reason)


async def test_it_cannot_tell(fake: FakeCamera, client: Client) -> None:
    assert (await client().recording())[:2] == (None, "no_service")
    offers(fake, "search", "recording")
    fake.handlers["GetRecordingJobs"] = lambda _: jobs(["Active"])
    fake.handlers["GetRecordingJobState"] = lambda _: fault("Action", "Action failed", 500)
    assert (await client().recording())[:2] == (None, "no_answer")
    fake.handlers["GetRecordingJobs"] = lambda _: Answer(b"", 404)
    assert (await client().recording())[:2] == (None, "no_answer")


async def test_the_second_service_helps_where_the_first_fails(fake: FakeCamera, client: Client) -> None:
    offers(fake, "search", "recording")
    fake.handlers["GetRecordingJobs"] = lambda _: jobs(["Active"])
    fake.handlers["GetRecordingJobState"] = lambda _: state("Active")
    assert (await client().recording())[:2] == (True, "job_active")


async def test_a_refused_login_is_no_answer_about_recording(fake: FakeCamera, client: Client) -> None:
    fake.password = "another"
    fake.public |= {"GetServices"}
    offers(fake, "search")
    with pytest.raises(CameraError) as caught:
        await client().recording()
    assert caught.value.code is Code.LOGIN_REFUSED
