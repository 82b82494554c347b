"""A camera that offers media ver20 only; requests and answers as the ONVIF Media 2 specification prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.onvif import CameraError, Code
from tests.drivers.onvif.fake import JPEG, FakeCamera, fault, profile

if TYPE_CHECKING:
    from tests.drivers.onvif.conftest import Client
    from tests.drivers.onvif.fake import Request

TR2 = 'xmlns:tr2="http://www.onvif.org/ver20/media/wsdl"'


def profile2(token: str, encoding: str = "H265", width: int = 2560) -> str:
    return (
        f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{token}</tr2:Name><tr2:Configurations>'
        '<tr2:VideoSource token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>2</tt:UseCount>'
        '<tt:SourceToken>vs1</tt:SourceToken><tt:Bounds x="0" y="0" width="2560" height="1440"/></tr2:VideoSource>'
        f'<tr2:VideoEncoder token="vec" GovLength="50" Profile="Main"><tt:Name>vec</tt:Name>'
        f"<tt:UseCount>1</tt:UseCount><tt:Encoding>{encoding}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
        '<tt:Height>1440</tt:Height></tt:Resolution><tt:RateControl ConstantBitRate="true">'
        "<tt:FrameRateLimit>25</tt:FrameRateLimit>"
        "<tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl><tt:Quality>4</tt:Quality></tr2:VideoEncoder>"
        '<tr2:Metadata token="m"><tt:Name>m</tt:Name><tt:UseCount>1</tt:UseCount></tr2:Metadata>'
        "</tr2:Configurations></tr2:Profiles>"
    )


def only_media2(fake: FakeCamera, *rows: str) -> None:
    listed = "".join(
        f"<tds:Service><tds:Namespace>{space}</tds:Namespace><tds:XAddr>{fake.url}{path}</tds:XAddr>"
        "<tds:Version><tt:Major>20</tt:Major><tt:Minor>6</tt:Minor></tds:Version></tds:Service>"
        for space, path in (
            ("http://www.onvif.org/ver10/device/wsdl", "/onvif/device_service"),
            ("http://www.onvif.org/ver20/media/wsdl", "/onvif/media2"),
        )
    )
    uri = f"<tr2:Uri>{fake.url}/snap?a=1</tr2:Uri>"
    stream = "<tr2:Uri>rtsp://127.0.0.1:554/h265?ch=1&amp;sub=0</tr2:Uri>"
    fake.handlers |= {
        "GetServices": lambda _: f"<tds:GetServicesResponse>{listed}</tds:GetServicesResponse>",
        "GetProfiles": lambda _: f"<tr2:GetProfilesResponse {TR2}>{''.join(rows)}</tr2:GetProfilesResponse>",
        "GetSnapshotUri": lambda _: f"<tr2:GetSnapshotUriResponse {TR2}>{uri}</tr2:GetSnapshotUriResponse>",
        "GetStreamUri": lambda _: f"<tr2:GetStreamUriResponse {TR2}>{stream}</tr2:GetStreamUriResponse>",
    }


def asked(fake: FakeCamera, operation: str) -> Request:
    return next(r for r in reversed(fake.requests) if r.operation == operation)


async def test_a_camera_with_media2_only(fake: FakeCamera, client: Client) -> None:
    only_media2(fake, profile2("main"), profile2("sub", "H264", 640))
    camera = client()
    first, second = await camera.profiles()
    assert first[:1] + first[2:] == ("main", "vs1", "H265", 2560, 1440)
    assert (second.encoding, second.width) == ("H264", 640)
    profiles = asked(fake, "GetProfiles")
    assert profiles.path == "/onvif/media2"
    assert b"http://www.onvif.org/ver20/media/wsdl" in profiles.body
    assert b"Type>VideoSource<" in profiles.body  # else it sends no configurations at all
    assert b"Type>VideoEncoder<" in profiles.body
    assert 'action="http://www.onvif.org/ver20/media/wsdl/GetProfiles"' in profiles.headers["content-type"]

    assert await camera.stream_uri() == "rtsp://127.0.0.1/h265?ch=1&sub=0"
    stream = asked(fake, "GetStreamUri")
    assert (stream.text("Protocol"), stream.text("ProfileToken")) == ("RTSP", "main")
    assert b"StreamSetup" not in stream.body

    assert await camera.snapshot() == JPEG
    assert asked(fake, "GetSnapshotUri").text("ProfileToken") == "main"


async def test_both_media_services_and_the_first_is_asked(fake: FakeCamera, client: Client) -> None:
    fake.handlers["GetServices"] = lambda _: fake.services(("media", f"{fake.url}/onvif/media")).replace(
        "</tds:GetServicesResponse>",
        "<tds:Service><tds:Namespace>http://www.onvif.org/ver20/media/wsdl</tds:Namespace>"
        f"<tds:XAddr>{fake.url}/onvif/media2</tds:XAddr><tds:Version><tt:Major>20</tt:Major><tt:Minor>6</tt:Minor>"
        "</tds:Version></tds:Service></tds:GetServicesResponse>",
    )
    assert len(await client().profiles()) == 2
    assert asked(fake, "GetProfiles").path == "/onvif/media"


@pytest.mark.parametrize(
    "row",
    [
        '<tr2:Profiles token="main" fixed="true"><tt:Name>tt, not tr2</tt:Name></tr2:Profiles>',
        profile("main", 1920, 1080).replace("trt:", "tr2:"),  # ver10's parts in ver20's answer
        profile2("main", "video/H264"),
    ],
    ids=["name of tt, no configurations", "ver10's shape", "a MIME type"],
)
async def test_bent_profiles(fake: FakeCamera, client: Client, row: str) -> None:
    only_media2(fake, row)
    camera = client()
    assert [p.token for p in await camera.profiles()] == ["main"]
    assert await camera.snapshot() == JPEG


async def test_a_media2_camera_without_snapshots(fake: FakeCamera, client: Client) -> None:
    only_media2(fake, profile2("main"))
    fake.handlers["GetSnapshotUri"] = lambda _: fault("ActionNotSupported", "no snapshots", 400, "Receiver")
    with pytest.raises(CameraError) as caught:
        await client().snapshot()
    assert caught.value.code is Code.NO_SUCH_SERVICE
