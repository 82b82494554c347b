"""What cameras say of themselves, their recorders and their events."""

from __future__ import annotations

import asyncio
import re
from xml.etree import ElementTree as ET

import pytest

from simulators.onvif import services
from simulators.onvif.maker import MAKERS
from tests.simulators.cameras import PASSWORD, FakeClock, asking, name_made_by, nonce, shown, soap, token

makers = pytest.mark.parametrize("maker", list(MAKERS))
PROFILE = "<ProfileToken>Profile_1</ProfileToken>"
NS = {"tt": "http://www.onvif.org/ver10/schema", "tds": "http://www.onvif.org/ver10/device/wsdl"}


@makers
async def test_every_answer_is_xml(maker: str) -> None:
    async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
        camera.has_recorder = True
        for action in services.ACTIONS.keys() - {"PullMessages", "Renew", "Unsubscribe", "SystemReboot"}:
            if action == "CreatePullPointSubscription" and camera.maker.events != "yes":
                continue
            answer = await asker.call(camera, action, PROFILE)
            root = ET.fromstring(answer.body)  # noqa: S314 - our own camera's
            assert root.tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"
            fault = "Fault>" in answer.text
            assert fault == (
                (action == "GetServices" and not camera.maker.services)
                or (action == "GetHostname" and not camera.maker.hostname)
                or (action == "GetNetworkProtocols" and camera.maker.https is None)
                or action == "SetSystemDateAndTime"
            ), action


async def test_dates_as_makers_tell_them() -> None:
    for maker, utc, year in (
        ("Thanh Long", True, "2025"),
        ("Lam Son", False, ""),
        ("Hong Ha", True, "0"),
        ("Sao Bac", True, "2025"),
    ):
        async with shown(name_made_by(maker)) as camera, asking(camera) as asker:
            camera.clock_off = 0
            answer = await asker.ask("POST", "/onvif/device_service", soap("GetSystemDateAndTime"))
            root = ET.fromstring(answer.body)  # noqa: S314
            assert (root.find(".//tt:UTCDateTime", NS) is not None) == utc
            assert root.findtext(".//tt:UTCDateTime/tt:Date/tt:Year", "", NS) == year
            assert root.findtext(".//tt:LocalDateTime/tt:Time/tt:Hour", "", NS) == "15"


async def test_quirks_of_makers() -> None:
    async with shown(name_made_by("Sao Bac")) as camera, asking(camera) as asker:
        bare = await asker.ask("POST", "/onvif/device_service", soap("GetCapabilities"))
        assert bare.status == 401, "capabilities need a login"
        profiles = (await asker.call(camera, "GetProfiles", service="media_service")).text
        assert profiles.index('token="Profile_0"') < profiles.index("VideoEncoderConfiguration")
    async with shown(name_made_by("Lam Son")) as camera, asking(camera) as asker:
        assert "event_service" in (await asker.call(camera, "GetCapabilities")).text
        ghost = await asker.call(camera, "CreatePullPointSubscription", service="event_service")
        assert ghost.status == 404
        assert "Action Failed" in (await asker.call(camera, "GetHostname")).text
    async with shown(name_made_by("Hong Ha")) as camera, asking(camera) as asker:
        assert (await asker.ask("POST", "/onvif/device_service", soap("GetCapabilities"))).status == 200
        text = (await asker.call(camera, "GetSnapshotUri", PROFILE, "media_service")).text
        assert "ver20/media" in text
        assert f"http://{camera.inner}:{camera.port}/snap.jpg" in text


async def test_recording_yes_no_and_none() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        camera.has_recorder = True
        state = "<JobToken>Job_1</JobToken>"
        assert "recording_service" in (await asker.call(camera, "GetServices")).text
        assert (
            ">Active<" in (await asker.call(camera, "GetRecordingJobState", state, "recording_service")).text
        )
        camera.faults.add("not_recording")
        camera.notice()
        assert isinstance(camera.clock, FakeClock)
        camera.clock.at += 3600
        assert (
            ">Error<" in (await asker.call(camera, "GetRecordingJobState", state, "recording_service")).text
        )
        summary = (await asker.call(camera, "GetRecordingSummary", service="search_service")).text
        assert "<tt:DataUntil>2025-07-01T08:00:0" in summary
        camera.has_recorder = False
        assert "recording_service" not in (await asker.call(camera, "GetServices")).text
        assert (await asker.call(camera, "GetRecordings", service="recording_service")).status == 404


async def test_a_tamper_event_comes_at_once() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        made = await asker.call(
            camera,
            "CreatePullPointSubscription",
            "<InitialTerminationTime>PT60S</InitialTerminationTime>",
            "event_service",
        )
        path = re.search(r"Address>http://[^/]*([^<]*)<", made.text)
        assert path
        where = path[1]

        async def pull(longest: str = "PT20S") -> str:
            inside = f"<Timeout>{longest}</Timeout><MessageLimit>10</MessageLimit>"
            return (await asker.call(camera, "PullMessages", inside, "event_service", path=where)).text

        first = await pull()
        assert first.count('PropertyOperation="Initialized"') == 5
        assert 'Value="true"' not in first
        waiting = asyncio.create_task(pull())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        camera.faults.add("covered")
        camera.notice()
        told = await waiting
        assert told.count("NotificationMessage>") == 2
        assert "tns1:VideoSource/GlobalSceneChange" in told
        assert 'PropertyOperation="Changed"' in told
        assert "NotificationMessage" not in await pull("PT0S")
        assert (await asker.call(camera, "Renew", service="subscription", path=path[1])).status == 200
        assert (await asker.call(camera, "Unsubscribe", service="subscription", path=path[1])).status == 200
        assert not camera.events.kept
        assert "does not exist" in await pull()


async def test_subscriptions_are_few_and_end() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        answers = [
            await asker.call(camera, "CreatePullPointSubscription", service="event_service") for _ in range(6)
        ]
        assert [a.status for a in answers] == [200] * 5 + [400]
        assert isinstance(camera.clock, FakeClock)
        camera.clock.at += 61
        assert not camera.events.kept


async def test_an_empty_answer_a_second_after_its_own_timeout() -> None:
    async with shown(name_made_by("Sao Bac")) as camera, asking(camera) as asker:
        await asker.call(camera, "CreatePullPointSubscription", service="event_service")
        path = "/onvif/subscription?Idx=1"
        await asker.call(camera, "PullMessages", "<Timeout>PT0S</Timeout>", "event_service", path=path)
        began = asyncio.get_running_loop().time()
        answer = await asker.call(
            camera, "PullMessages", "<Timeout>PT0S</Timeout>", "event_service", path=path
        )
        assert "NotificationMessage" not in answer.text
        assert asyncio.get_running_loop().time() - began > 0.9


async def test_what_is_no_call() -> None:
    async with shown(name_made_by("Thanh Long")) as camera, asking(camera) as asker:
        path = "/onvif/device_service"
        assert (await asker.ask("POST", path, b"<x/>")).status == 400
        assert (await asker.ask("POST", path, b"<!DOCTYPE x>" + soap("GetSystemDateAndTime"))).status == 400
        assert (await asker.ask("GET", path)).status == 405
        assert (await asker.ask("POST", "/elsewhere")).status == 404
        header = token(PASSWORD, camera.now(), nonce())
        assert "ActionNotSupported" in (await asker.ask("POST", path, soap("GetUsers", header=header))).text


async def test_a_maker_of_media_ver20_only() -> None:
    async with shown(name_made_by("Nam Viet")) as camera, asking(camera) as asker:
        said = (await asker.call(camera, "GetServices")).text
        assert "http://www.onvif.org/ver20/media/wsdl" in said
        assert "ver10/media" not in said
        assert "Media" not in (await asker.call(camera, "GetCapabilities")).text, "that knows nothing of it"
        assert (await asker.call(camera, "GetProfiles", service="media_service")).status == 404
        bare = (await asker.call(camera, "GetProfiles", service="media2_service")).text
        assert "Configurations" not in bare
        kinds = "<Type>VideoEncoder</Type>"
        full = (await asker.call(camera, "GetProfiles", kinds, service="media2_service")).text
        assert full.count("<tt:Encoding>H265<") == 2
        assert "VideoSource " not in full
        uri = (await asker.call(camera, "GetStreamUri", PROFILE, service="media2_service")).text
        assert re.search(r"<tr2:GetStreamUriResponse><tr2:Uri>rtsp://", uri)
