"""What real cameras do, each with a test. docs/drivers.md lists them with their reasons."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import pytest

from drivers.onvif import Allowed, CameraError, Code, Service, Target, most_in
from tests.drivers.onvif.fake import JPEG, Answer, FakeCamera, Raw, envelope, fault, media_uri, profile

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tests.drivers.onvif.conftest import Client


async def code(asked: Awaitable[object]) -> Code:
    with pytest.raises(CameraError) as caught:
        await asked
    return caught.value.code


# --- services -------------------------------------------------------------------------------------------------


def capabilities(url: str) -> str:
    return (
        "<tds:GetCapabilitiesResponse><tds:Capabilities>"
        f"<tt:Device><tt:XAddr>{url}/onvif/device_service</tt:XAddr></tt:Device>"
        f"<tt:Events><tt:XAddr>{url}/onvif/ev</tt:XAddr><tt:WSSubscriptionPolicySupport>true</tt:WSSubscriptionPolicySupport>"
        "<tt:WSPullPointSupport>true</tt:WSPullPointSupport></tt:Events>"
        f"<tt:Media><tt:XAddr>{url}/onvif/md</tt:XAddr></tt:Media><tt:Extension><tt:Search><tt:XAddr>{url}/se</tt:XAddr>"
        "<tt:MetadataSearch>false</tt:MetadataSearch></tt:Search></tt:Extension></tds:Capabilities></tds:GetCapabilitiesResponse>"
    )


@pytest.mark.parametrize(
    "answer",
    [
        fault("ActionNotSupported", "Optional Action Not Implemented", 500),
        fault("Sender", "method not understood", 400),
        Answer(b"", 400),
        Answer(b"Bad Request", 400, {"Content-Type": "text/plain"}),
        Answer(b"", 404),
        Answer(envelope("<tds:GetServicesResponse/>")),
    ],
    ids=["fault", "other-fault", "bare-400", "text-400", "404", "empty"],
)
async def test_get_services_fails_and_get_capabilities_answers(
    fake: FakeCamera, client: Client, answer: Answer
) -> None:
    fake.handlers["GetServices"] = lambda _: answer
    fake.handlers["GetCapabilities"] = lambda _: capabilities(fake.url)
    services = await client().services()
    assert services[Service.MEDIA] == f"{fake.url}/onvif/md"
    assert services[Service.SEARCH] == f"{fake.url}/se"
    assert fake.requests[-1].signed  # GetCapabilities itself may want a login


async def test_neither_is_answered(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetServices"] = lambda _: Answer(b"", 400)
    assert await code(client().services()) is Code.NO_SUCH_SERVICE


async def test_an_inner_address_behind_nat(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetServices"] = lambda _: fake.services(
        ("device", "http://192.168.1.10/onvif/device_service"),
        ("media", "http://192.168.1.10:80/onvif/Media?x=1"),
    )
    camera = client()
    assert (await camera.services())[Service.MEDIA] == f"{fake.url}/onvif/Media?x=1"
    assert len(await camera.profiles()) == 2
    assert fake.requests[-1].path == "/onvif/Media?x=1"


async def test_a_foreign_address_is_not_contacted(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetServices"] = lambda _: fake.services(
        ("media", "http://198.51.100.7/media"),
        ("events", "http://evil.example/ev"),
        ("search", "file:///etc/passwd"),
    )
    camera = client()
    assert list(await camera.services()) == [Service.DEVICE]
    assert await code(camera.profiles()) is Code.NO_SUCH_SERVICE


async def test_get_hostname_that_fails_says_so(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetHostname"] = lambda _: fault("Action", "Action failed", 500, "Receiver")
    assert await code(client().call(Service.DEVICE, "GetHostname")) is Code.FAILED


async def test_a_service_that_is_announced_and_not_there(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetProfiles"] = lambda _: Answer(b"<html>404</html>", 404, {"Content-Type": "text/html"})
    assert await code(client().profiles()) is Code.NO_SUCH_SERVICE


async def test_a_web_page_instead_of_onvif(fake: FakeCamera, client: Client) -> None:
    page = Answer(b"<!DOCTYPE html><html><body>Login</body></html>", 200, {"Content-Type": "text/html"})
    fake.handlers["GetSystemDateAndTime"] = lambda _: page
    assert await code(client().clock()) is Code.NOT_ONVIF


# --- profiles -------------------------------------------------------------------------------------------------


def profiles(*some: str) -> str:
    return f"<trt:GetProfilesResponse>{''.join(some)}</trt:GetProfilesResponse>"


async def test_no_profiles(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetProfiles"] = lambda _: profiles()
    camera = client()
    assert await camera.profiles() == ()
    assert await code(camera.stream_uri()) is Code.NO_SUCH_SERVICE


async def test_broken_profiles_among_good_ones(fake: FakeCamera, client: Client) -> None:
    odd = '<tt:Extension xsi:type="vendor:Unknown"><x/></tt:Extension>'
    fake.handlers["GetProfiles"] = lambda _: profiles(
        "<trt:Profiles/>",
        '<trt:Profiles token=""><tt:Name>empty</tt:Name></trt:Profiles>',
        '<trt:Profiles token="bare"/>',
        profile("words", "wide", 0),
        profile("odd", 640, 360).replace("</trt:Profiles>", odd + "</trt:Profiles>"),
        profile("good", 1280, 720),
    )
    camera = client()
    found = await camera.profiles()
    assert [p.token for p in found] == ["bare", "words", "odd", "good"]
    assert found[1].width == 0
    assert (await camera.profile()).token == "words"


async def test_profiles_without_namespaces(fake: FakeCamera, client: Client) -> None:
    plain = profiles(profile("one", 640, 360)).replace("trt:", "").replace("tt:", "")
    fake.handlers["GetProfiles"] = lambda _: plain
    assert [(p.token, p.width) for p in await client().profiles()] == [("one", 640)]


async def test_a_recorders_channel(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetProfiles"] = lambda _: profiles(
        profile("a1", 640, 360, "va"), profile("a2", 640, 360, "va"), profile("b1", 640, 360, "vb")
    )
    assert (await client(channel=2).profile()).token == "b1"
    assert (await client(profile="a2").profile()).token == "a2"
    assert await code(client(channel=3).profile()) is Code.NO_SUCH_SERVICE
    assert await code(client(profile="zz").profile()) is Code.NO_SUCH_SERVICE


# --- snapshots ------------------------------------------------------------------------------------------------


async def test_a_snapshot_of_a_megabyte(fake: FakeCamera, client: Client) -> None:
    large = JPEG[:-2] + bytes(1_000_000) + JPEG[-2:]
    fake.handlers["/snap?a=1"] = lambda _: Answer(large, headers={"Content-Type": "image/jpeg"})
    camera = client()
    assert await camera.snapshot() == large
    assert camera.picture_open is False
    assert camera.cost.bytes_in > 1_000_000


async def test_a_snapshot_is_read_as_there_is_room(fake: FakeCamera, client: Client) -> None:
    large = JPEG[:-2] + bytes(1_000_000) + JPEG[-2:]
    fake.handlers["/snap?a=1"] = lambda _: Answer(large, headers={"Content-Type": "image/jpeg"})
    camera = client()
    camera.call_s = 0.5  # the time that waiting for room takes is not the camera's
    await camera.snapshot_uri()
    seen: list[int] = []
    camera.cost.carried = seen.append
    waits = 0

    async def room() -> None:
        nonlocal waits
        waits += 1
        await asyncio.sleep(0.007)

    assert await camera.snapshot(room) == large
    assert waits > 100
    assert max(seen) <= 16_384, "no piece is larger than what is taken at a time"


async def test_snapshots_need_one_challenge(fake: FakeCamera, client: Client) -> None:
    camera = client()
    for _ in range(3):
        await camera.snapshot()
    assert fake.operations.count("/snap?a=1") == 4
    assert fake.operations.count("GetSnapshotUri") == 1
    assert fake.connections == 1


async def test_a_snapshot_without_a_login_is_told(fake: FakeCamera, client: Client) -> None:
    fake.picture_accepts = {"nothing"}
    camera = client()
    await camera.snapshot()
    assert camera.picture_open is True


async def test_a_snapshot_that_knows_only_basic(fake: FakeCamera, client: Client) -> None:
    fake.picture_accepts = {"basic"}
    assert await code(client().snapshot()) is Code.LOGIN_PLAIN
    assert not any("authorization" in r.headers for r in fake.requests)
    camera = client(plain_password=True)
    await camera.snapshot()
    await camera.snapshot()


async def test_a_snapshot_that_refuses_what_onvif_accepts(fake: FakeCamera, client: Client) -> None:
    fake.picture_accepts = {"digest"}
    fake.algorithm = "SHA-256"
    fake.handlers["/snap?a=1"] = lambda _: Answer(b"", 403)
    camera = client()
    assert await code(camera.snapshot()) is Code.LOGIN_REFUSED
    asked = len(fake.requests)
    assert await code(camera.snapshot()) is Code.LOGIN_REFUSED
    assert len(fake.requests) == asked  # not shown again
    await camera.information()


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        (b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG, "multipart/x-mixed-replace", Code.NOT_A_PICTURE),
        (b"Error: not ready", "text/plain", Code.NOT_A_PICTURE),
        (b"", "image/jpeg", Code.NOT_A_PICTURE),
        (b"\x89PNG\r\n", "image/png", Code.NOT_A_PICTURE),
        (JPEG[:-2], "image/jpeg", Code.GARBLED),
    ],
)
async def test_what_comes_instead_of_a_picture(
    fake: FakeCamera, client: Client, body: bytes, kind: str, expected: Code
) -> None:
    fake.handlers["/snap?a=1"] = lambda _: Answer(body, headers={"Content-Type": kind})
    assert await code(client().snapshot()) is expected


async def test_a_picture_labelled_otherwise_and_padded_is_one(fake: FakeCamera, client: Client) -> None:
    fake.handlers["/snap?a=1"] = lambda _: Answer(
        JPEG + bytes(100), headers={"Content-Type": "application/octet-stream"}
    )
    assert (await client().snapshot()).startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("http://192.168.0.9/snap?a=1", None),
        ("/snap?a=1", None),
        ("http://user:secret@127.0.0.1:{port}/snap?a=1", None),
        ("http://198.51.100.9/snap", Code.FORBIDDEN_ADDRESS),
        ("http://metadata.internal/", Code.FORBIDDEN_ADDRESS),
        ("ftp://127.0.0.1/snap", Code.GARBLED),
        ("http://127.0.0.1:99999/", Code.GARBLED),
        ("", Code.GARBLED),
    ],
)
async def test_where_snapshots_are(
    fake: FakeCamera, client: Client, said: str, expected: Code | None
) -> None:
    uri = media_uri(said.format(port=fake.port))
    fake.handlers["GetSnapshotUri"] = lambda _: (
        f"<trt:GetSnapshotUriResponse><trt:MediaUri>{uri}</trt:MediaUri></trt:GetSnapshotUriResponse>"
    )
    camera = client()
    if expected is None:
        assert await camera.snapshot_uri() == f"{fake.url}/snap?a=1"
    else:
        assert await code(camera.snapshot_uri()) is expected


# --- addresses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "settled"),
    [
        ("rtsp://10.0.0.5:554/live/ch0?x=1", "rtsp://camera.example/live/ch0?x=1"),
        ("rtsp://10.0.0.5:8554/live", "rtsp://camera.example:8554/live"),
        ("rtsp://admin:1234@camera.example/live", "rtsp://camera.example/live"),
        ("rtsp://172.20.1.1/in-a-named-network", "rtsp://172.20.1.1/in-a-named-network"),
        ("rtsp://0.0.0.0/", "rtsp://camera.example/"),
        ("rtsp://[fe80::1]/x", "rtsp://camera.example/x"),
    ],
)
def test_stream_addresses(url: str, settled: str) -> None:
    target = Target("c", "camera.example", 8000, allowed=(ipaddress.ip_network("172.20.0.0/16"),))
    assert Allowed(target).settle(url, ("rtsp", "rtsps")) == settled


def test_rtsp_behind_another_port() -> None:
    allowed = Allowed(Target("c", "203.0.113.5", 8000, rtsp_port=10554))
    for said in ("rtsp://192.168.1.10:554/a", "rtsp://203.0.113.5/a"):
        assert allowed.settle(said, ("rtsp",)) == "rtsp://203.0.113.5:10554/a"


def test_a_name_that_was_met_is_known_by_its_address() -> None:
    allowed = Allowed(Target("c", "Camera.Example."))
    assert not allowed.permits("8.8.8.8")
    allowed.met("8.8.8.8")
    assert allowed.settle("http://8.8.8.8:1025/event-1") == "http://8.8.8.8:1025/event-1"
    assert allowed.permits("camera.example")
    with pytest.raises(CameraError):
        allowed.check("http://8.8.4.4/")


# --- connection -----------------------------------------------------------------------------------------------


async def test_a_kept_connection_that_the_camera_closed(fake: FakeCamera, client: Client) -> None:
    camera = client()
    fake.handlers["GetServices"] = lambda _: Answer(
        envelope(fake.services(("media", fake.url + "/m"))), headers={"Connection": "close"}
    )
    await camera.services()
    assert len(await camera.profiles()) == 2
    camera.rest()
    await camera.information()
    assert fake.connections == 3


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nServer: GoaHead\r\nTue, 12 Jun 2012 01:56:34 GMT\r\nContent-Type:image/jpeg\r\n",
        b"HTTP/1.0 200\nContent-type : image/jpeg\n",
        b"HTTP/1.1 200 OK\r\nServer:\r\n\xc3\xa1: b\r\nX-Bad\r\nContent-Type: image/jpeg\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n",
    ],
    ids=["goahead-date", "bare-newlines", "nonsense", "continue"],
)
async def test_heads_that_are_not_as_they_should_be(fake: FakeCamera, client: Client, head: bytes) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(head), 7):  # in pieces
            writer.write(head[at : at + 7])
            await writer.drain()
        newline = b"\n" if b"\r" not in head else b"\r\n"
        writer.write(b"Content-Length: %d" % len(JPEG) + newline + newline + JPEG)
        await writer.drain()

    fake.handlers["/snap?a=1"] = lambda _: Raw(write)
    fake.picture_accepts = {"nothing"}
    assert await client().snapshot() == JPEG


async def test_an_answer_longer_than_it_says(fake: FakeCamera, client: Client) -> None:
    long = Answer(JPEG + b"more", headers={"Content-Length": str(len(JPEG))})
    fake.handlers["/snap?a=1"] = lambda _: long
    fake.picture_accepts = {"nothing"}
    camera = client()
    assert await camera.snapshot() == JPEG
    await camera.information()
    assert fake.connections == 2  # what is left over is nobody's answer


async def test_calls_of_one_camera_share_one_connection(fake: FakeCamera, client: Client) -> None:
    camera = client()
    await asyncio.gather(*(camera.information() for _ in range(10)))
    assert fake.connections == 1
    assert camera.cost.requests == len(fake.requests)


async def test_a_cancelled_call_closes_its_connection(fake: FakeCamera, client: Client) -> None:
    camera = client()
    await camera.clock()

    begun = asyncio.Event()

    async def never(_: asyncio.StreamWriter) -> None:
        begun.set()
        await asyncio.sleep(60)

    fake.handlers["GetDeviceInformation"] = lambda _: Raw(never)
    call = asyncio.create_task(camera.information())
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    del fake.handlers["GetDeviceInformation"]
    await camera.information()
    assert fake.connections == 2


async def test_a_camera_whose_texts_are_long_or_missing(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetDeviceInformation"] = lambda _: (
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{'x' * 5000}</tds:Manufacturer><tds:Model/>"
        "</tds:GetDeviceInformationResponse>"
    )
    found = await client().information()
    assert len(found.make) == 64
    assert found.model == found.firmware == found.serial == ""


# --- protocols and time servers -------------------------------------------------------------------------------


def protocols(*rows: tuple[str, str]) -> str:
    listed = "".join(
        f"<tds:NetworkProtocols><tt:Name>{name}</tt:Name><tt:Enabled>{on}</tt:Enabled><tt:Port>1</tt:Port></tds:NetworkProtocols>"
        for name, on in rows
    )
    return f"<tds:GetNetworkProtocolsResponse>{listed}</tds:GetNetworkProtocolsResponse>"


@pytest.mark.parametrize(
    ("rows", "offered"),
    [
        ((("HTTP", "true"), ("HTTPS", "true"), ("RTSP", "true")), True),
        ((("HTTP", "true"), ("HTTPS", "false")), False),
        ((("HTTP", "true"), ("RTSP", "true")), False),
        ((("https", "1"),), True),
        ((("RTSP", "true"),), None),
        ((), None),
    ],
)
async def test_whether_it_offers_https(
    fake: FakeCamera, client: Client, rows: tuple[tuple[str, str], ...], offered: bool | None
) -> None:
    fake.handlers["GetNetworkProtocols"] = lambda _: protocols(*rows)
    assert await client().offers_tls() is offered


async def test_protocols_that_are_not_told(fake: FakeCamera, client: Client) -> None:
    assert fake.asks
    assert await code(client().offers_tls()) is Code.NO_SUCH_SERVICE


def manual(kind: str, name: str, value: str) -> str:
    return f"<tt:NTPManual><tt:Type>{kind}</tt:Type><tt:{name}>{value}</tt:{name}></tt:NTPManual>"


@pytest.mark.parametrize(
    ("inside", "servers"),
    [
        (
            "<tt:FromDHCP>false</tt:FromDHCP>"
            + manual("DNS", "DNSname", "vn.pool.ntp.org")
            + manual("IPv4", "IPv4Address", "10.0.0.1"),
            ("vn.pool.ntp.org", "10.0.0.1"),
        ),
        ("<tt:FromDHCP>true</tt:FromDHCP>", ("DHCP",)),
        ("<tt:FromDHCP>false</tt:FromDHCP>", ()),
    ],
)  # fmt: skip
async def test_time_servers(fake: FakeCamera, client: Client, inside: str, servers: tuple[str, ...]) -> None:
    said = f"<tds:GetNTPResponse><tds:NTPInformation>{inside}</tds:NTPInformation></tds:GetNTPResponse>"
    fake.handlers["GetNTP"] = lambda _: said
    assert await client().time_servers() == servers


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("Maximum number of connections (20) reached", 20),
        ("Too many users, max 10", 10),
        ("Too many users are logged in", None),
        ("limit of 10 users in 5 sessions", None),  # which?
        ("too many connections, try again in 30 s", None),
        ("connection limit 1.5", None),
    ],
)
def test_how_many_connections_it_says_that_it_has(words: str, most: int | None) -> None:
    assert most_in(words) == most
