from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from devices.camera import FAULT_CODES
from drivers.onvif import CameraError, Code
from drivers.onvif.events import TOPICS, Alarm, Events, alarms
from drivers.onvif.wsdl import child, parse
from tests.drivers.onvif.fake import Answer, FakeCamera, Raw, Request, envelope, fault

if TYPE_CHECKING:
    from drivers.onvif import Camera
    from tests.drivers.onvif.conftest import Client


class PullPoint:
    """The events service of a fake camera."""

    def __init__(
        self, fake: FakeCamera, address: str = "/onvif/event?sub=1", xaddr: str = "/onvif/event"
    ) -> None:
        self.fake = fake
        self.address = address
        self.alive = 0
        self.messages: list[str] = []
        fake.handlers |= {
            "GetServices": lambda _: fake.services(("events", fake.url + xaddr)),
            "CreatePullPointSubscription": self.create,
            "PullMessages": self.pull,
            "Renew": lambda _: (
                "<wsnt:RenewResponse><wsnt:TerminationTime>2026-01-01T00:00:00Z</wsnt:TerminationTime>"
                "</wsnt:RenewResponse>"
            ),
            "Unsubscribe": self.unsubscribe,
        }

    def create(self, request: Request) -> str:
        assert request.text("InitialTerminationTime") == "PT60S"
        self.alive += 1
        where = self.address if self.address.startswith("http") else self.fake.url + self.address
        return (
            f"<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>{where}</wsa5:Address>"
            '<wsa5:ReferenceParameters><v:Id xmlns:v="urn:vendor">77</v:Id></wsa5:ReferenceParameters>'
            "</tev:SubscriptionReference><wsnt:CurrentTime>2026-01-01T00:00:00Z</wsnt:CurrentTime>"
            "<wsnt:TerminationTime>2026-01-01T00:01:00Z</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>"
        )

    def pull(self, request: Request) -> str | Answer:
        if not self.alive or request.text("Id") != "77":
            return fault("InvalidArgVal", "no such subscription")
        assert request.text("To")
        assert request.text("Action").endswith("PullMessagesRequest")
        said, self.messages = "".join(self.messages), []
        return f"<tev:PullMessagesResponse>{said}</tev:PullMessagesResponse>"

    def unsubscribe(self, request: Request) -> str:
        assert request.text("Id") == "77"
        self.alive -= 1
        return "<wsnt:UnsubscribeResponse/>"


def message(
    topic: str, name: str = "State", value: str = "true", operation: str = "Changed", at: str = ""
) -> str:
    at = at or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return (
        f'<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
        f'{topic}</wsnt:Topic><wsnt:Message><tt:Message UtcTime="{at}" PropertyOperation="{operation}"><tt:Source>'
        f'<tt:SimpleItem Name="VideoSource" Value="v1"/></tt:Source>'
        f'<tt:Data><tt:SimpleItem Name="{name}" Value="{value}"/>'
        "</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>"
    )


def read(*messages: str, ahead_s: float = 0.0) -> list[Alarm]:
    body = child(parse(envelope("".join(messages))), "Body")
    assert body is not None
    return list(alarms(body, ahead_s))


async def test_a_subscription_is_used_and_given_back(fake: FakeCamera, client: Client) -> None:
    point, camera = PullPoint(fake), client()
    async with Events(camera) as events:
        assert await events.pull() == []
        point.messages = [message("tns1:VideoSource/GlobalSceneChange/ImagingService")]
        (alarm,) = await events.pull()
        assert (alarm.code, alarm.active, alarm.source) == ("sceneChanged", True, "v1")
        assert alarm.at == pytest.approx(time.time(), abs=5)
        assert point.alive == 1
    assert point.alive == 0
    assert fake.requests[-1].path == "/onvif/event?sub=1"
    await fake.settles(1)  # the camera's own connection


async def test_an_inner_address_of_a_subscription(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake, "http://192.168.1.64:1025/event-1")
    async with Events(client()) as events:
        assert await events.pull() == []
    assert point.alive == 0


async def test_a_foreign_address_of_a_subscription(fake: FakeCamera, client: Client) -> None:
    PullPoint(fake, "http://198.51.100.1/event-1")
    with pytest.raises(CameraError) as caught:
        async with Events(client()):
            pass
    assert caught.value.code is Code.FORBIDDEN_ADDRESS


async def never(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def test_it_is_given_back_when_cancelled(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake)
    pulling = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        pulling.set()
        await never(writer)

    fake.handlers["PullMessages"] = lambda _: Raw(hold)

    async def listen(camera: Camera) -> None:
        async with Events(camera) as events:
            await events.pull()

    task = asyncio.create_task(listen(client()))
    await pulling.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert point.alive == 0


async def test_it_is_given_back_after_an_error(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake)
    fake.handlers["PullMessages"] = lambda _: Answer(b"<a><b>")
    with pytest.raises(CameraError) as caught:
        async with Events(client()) as events:
            await events.pull()
    assert caught.value.code is Code.GARBLED
    assert point.alive == 0


async def test_an_answer_that_is_late_by_a_second(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake)

    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1.2)
        body = envelope(
            f"<tev:PullMessagesResponse>{message('tns1:VideoSource/SignalLoss')}</tev:PullMessagesResponse>"
        )
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    fake.handlers["PullMessages"] = lambda _: Raw(late)
    async with Events(client(call_s=1.0), wait_s=0) as events:
        assert [a.code for a in await events.pull()] == ["signalLost"]
    assert point.alive == 0


async def test_it_is_renewed_at_half_its_life(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake)
    async with Events(client()) as events:
        await events.pull()
        assert "Renew" not in fake.operations
        events._renew_at = 0.0
        await events.pull()
        await events.pull()
        assert fake.operations.count("Renew") == 1
        fake.handlers["Renew"] = lambda _: fault("ActionNotSupported", "no")
        for _ in range(2):
            events._renew_at = 0.0
            await events.pull()
        assert fake.operations.count("Renew") == 2  # one that cannot be renewed is only pulled
    assert point.alive == 0


async def test_a_lost_subscription_is_an_error(fake: FakeCamera, client: Client) -> None:
    point = PullPoint(fake)
    async with Events(client()) as events:
        point.alive = 0
        with pytest.raises(CameraError) as caught:
            await events.pull()
    assert caught.value.code is Code.FAILED


@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"", 404),
        Answer(b"<html/>", 200, {"Content-Type": "text/html"}),
        fault("ActionNotSupported", "not implemented"),
    ],
)
async def test_events_that_are_announced_and_do_not_exist(
    fake: FakeCamera, client: Client, answer: Answer
) -> None:
    PullPoint(fake)
    fake.handlers["CreatePullPointSubscription"] = lambda _: answer
    with pytest.raises(CameraError) as caught:
        async with Events(client()):
            pass
    assert (caught.value.code, caught.value.permanent) == (Code.NO_SUCH_SERVICE, True)


async def test_events_at_a_port_where_nothing_listens(fake: FakeCamera, client: Client) -> None:
    async with FakeCamera() as gone:
        dead = gone.url
    fake.handlers["GetServices"] = lambda _: fake.services(("events", f"{dead}/events"))
    camera = client()
    with pytest.raises(CameraError) as caught:
        async with Events(camera):
            pass
    assert (caught.value.code, caught.value.permanent) == (Code.NO_SUCH_SERVICE, True)
    await fake.__aexit__()
    with pytest.raises(CameraError) as caught:
        async with Events(camera):
            pass
    assert caught.value.code is Code.REFUSED  # now it is the camera that is away


async def test_no_events_at_all(client: Client) -> None:
    with pytest.raises(CameraError) as caught:
        async with Events(client()):
            pass
    assert (caught.value.code, caught.value.permanent) == (Code.NO_SUCH_SERVICE, True)


def test_the_codes_are_those_of_cameras() -> None:
    assert set(TOPICS.values()) <= set(FAULT_CODES)


@pytest.mark.parametrize(
    ("topic", "name", "value", "code", "active"),
    [
        ("tns1:VideoSource/GlobalSceneChange/AnalyticsService", "State", "true", "sceneChanged", True),
        ("tns1:RuleEngine/TamperDetector/Tamper", "IsTamper", "1", "sceneChanged", True),
        ("tns1:VideoSource/tnsaxis:Tampering", "tampering", "0", "sceneChanged", False),
        ("tns1:VideoSource/ImageTooDark/ImagingService", "State", "True", "tooDark", True),
        ("tns1:VideoSource/ImageTooBlurry/ImagingService", "State", "false", "tooBlurry", False),
        ("tns1:VideoSource/ImageTooBright/RecordingService", "Value", "on", "tooBright", True),
        (" tns1:VideoSource/SignalLoss ", "State", "true", "signalLost", True),
    ],
)
def test_topics(topic: str, name: str, value: str, code: str, active: bool) -> None:
    (alarm,) = read(message(topic, name, value))
    assert (alarm.code, alarm.active) == (code, active)


def test_what_is_ignored() -> None:
    assert (
        read(
            message("tns1:RuleEngine/CellMotionDetector/Motion", "IsMotion"),
            message("tns1:VideoSource/MotionAlarm"),
            message("tns1:Device/Trigger/DigitalInput"),
            message("tns1:VideoSource/ImageTooDark", "Level", "17"),
            "<wsnt:NotificationMessage/>",
            "<wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/SignalLoss</wsnt:Topic></wsnt:NotificationMessage>",
        )
        == []
    )


def test_an_alarm_that_is_gone_and_dates_that_are_none() -> None:
    gone, odd, zero = read(
        message("tns1:VideoSource/SignalLoss", operation="Deleted", at="2026-11-25T00:00:10Z"),
        message("tns1:VideoSource/SignalLoss", at="yesterday"),
        message("tns1:VideoSource/SignalLoss", at="0000-00-00T00:00:00Z"),
        ahead_s=10.0,
    )
    assert not gone.active
    assert gone.at == 1_795_564_800.0
    assert odd.at is None
    assert zero.at is None


def test_other_namespaces() -> None:
    odd = message("tns1:VideoSource/SignalLoss").replace("wsnt:", "tev:").replace("tt:", "tds:")
    assert [a.code for a in read(odd)] == ["signalLost"]
