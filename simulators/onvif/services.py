"""What a simulated camera answers to each ONVIF action: one visible table, ACTIONS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from simulators.chance import dice
from simulators.onvif import events
from simulators.onvif.soap import SPACES
from simulators.onvif.stamp import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.onvif.camera import Camera
    from simulators.onvif.message import Reply, Request
    from simulators.onvif.soap import Ask

LOCAL_S = 7 * 3600
DEVICE, MEDIA, MEDIA2 = "/onvif/device_service", "/onvif/media_service", "/onvif/media2_service"
RECORDING, SEARCH = "/onvif/recording_service", "/onvif/search_service"
EVENTS, SUBSCRIPTION = "/onvif/event_service", "/onvif/subscription"
KEPT = timedelta(days=7)
"""How far back a recorder keeps."""

FREE = frozenset({"GetSystemDateAndTime"})
"""Actions that need no login."""


def paths(camera: Camera) -> set[str]:
    """Where its services are; an announced one may be missing."""
    found = {DEVICE, MEDIA2 if camera.maker.media2 else MEDIA}
    if camera.has_recorder:
        found |= {RECORDING, SEARCH}
    if camera.maker.events == "yes":
        found |= {EVENTS, SUBSCRIPTION}
    return found


def _announced(camera: Camera) -> list[tuple[str, str, str]]:
    """(namespace's prefix, name in capabilities or nothing, path) of each service."""
    found = [("tds", "Device", DEVICE)]
    found.append(("tr2", "", MEDIA2) if camera.maker.media2 else ("trt", "Media", MEDIA))
    if camera.maker.events != "no":
        found.append(("tev", "Events", EVENTS))
    if camera.has_recorder:
        found += [("trc", "Recording", RECORDING), ("tse", "Search", SEARCH)]
    return found


def url(camera: Camera, path: str) -> str:
    """An address as the camera announces it."""
    return f"http://{camera.announced()}:{camera.port}{path}".replace("&", "&amp;")


# ---------------------------------------------------------------- device


def _date(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001 - all actions are alike
    utc = datetime.fromtimestamp(camera.now(), UTC)
    local, maker = utc + timedelta(seconds=LOCAL_S), camera.maker
    zeros = (
        "<tt:Time><tt:Hour>0</tt:Hour><tt:Minute>0</tt:Minute><tt:Second>0</tt:Second></tt:Time>"
        "<tt:Date><tt:Year>0</tt:Year><tt:Month>0</tt:Month><tt:Day>0</tt:Day></tt:Date>"
    )
    told = {"both": _moment(utc), "zero": zeros, "local": ""}[maker.dates]
    told = f"<tt:UTCDateTime>{told}</tt:UTCDateTime>" if told else ""
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
        f"<tt:DateTimeType>{'NTP' if camera.ntp else 'Manual'}</tt:DateTimeType>"
        f"<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>{maker.zone}</tt:TZ></tt:TimeZone>"
        f"{told}<tt:LocalDateTime>{_moment(local)}</tt:LocalDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def _moment(at: datetime) -> str:
    return (
        f"<tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}</tt:Second>"
        f"</tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month><tt:Day>{at.day}</tt:Day>"
        "</tt:Date>"
    )


def _set_date(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
    try:
        at = datetime(*(int(ask.value(name)) for name in names), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except (ValueError, OverflowError):
        if ask.value("DateTimeType") != "NTP":
            return camera.fault(400, "Sender", "InvalidArgVal", "Invalid date or time")
        at = datetime.fromtimestamp(camera.clock(), UTC)  # its time server knows
    camera.set_clock(at.timestamp())
    return "<tds:SetSystemDateAndTimeResponse/>"


def _information(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    return (
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{camera.maker.name}</tds:Manufacturer>"
        f"<tds:Model>{camera.model}</tds:Model><tds:FirmwareVersion>{camera.firmware}</tds:FirmwareVersion>"
        f"<tds:SerialNumber>{camera.serial}</tds:SerialNumber><tds:HardwareId>{camera.seed:08x}</tds:HardwareId>"
        "</tds:GetDeviceInformationResponse>"
    )


def _services(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    rows = "".join(
        f"<tds:Service><tds:Namespace>{SPACES[prefix]}</tds:Namespace><tds:XAddr>{url(camera, path)}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for prefix, _, path in _announced(camera)
    )
    return f"<tds:GetServicesResponse>{rows}</tds:GetServicesResponse>"


def _capabilities(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    parts, more = "", ""
    for name, path in ((n, p) for _, n, p in _announced(camera) if n):
        row = f"<tt:{name}><tt:XAddr>{url(camera, path)}</tt:XAddr>"
        if name == "Events":
            row += "<tt:WSSubscriptionPolicySupport>false</tt:WSSubscriptionPolicySupport>"
            row += "<tt:WSPullPointSupport>true</tt:WSPullPointSupport>"
        row += f"</tt:{name}>"
        if name in ("Recording", "Search"):
            more += row
        else:
            parts += row
    parts += f"<tt:Extension>{more}</tt:Extension>" if more else ""
    return f"<tds:GetCapabilitiesResponse><tds:Capabilities>{parts}</tds:Capabilities></tds:GetCapabilitiesResponse>"


def _hostname(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    if not camera.maker.hostname:
        return camera.fault(500, "Receiver", "Action", "Action Failed")
    return (
        "<tds:GetHostnameResponse><tds:HostnameInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"<tt:Name>{camera.name}</tt:Name></tds:HostnameInformation></tds:GetHostnameResponse>"
    )


def _ntp(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    server = "<tt:Type>DNS</tt:Type><tt:DNSname>pool.ntp.org</tt:DNSname>"
    manual = f"<tt:NTPManual>{server}</tt:NTPManual>" if camera.maker.ntp else ""
    return (
        "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"{manual}</tds:NTPInformation></tds:GetNTPResponse>"
    )


def _protocols(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    if camera.maker.https is None:
        return camera.fault(400, "Receiver", "ActionNotSupported", "Optional action not implemented")
    rows = "".join(
        f"<tds:NetworkProtocols><tt:Name>{name}</tt:Name><tt:Enabled>{str(on).lower()}</tt:Enabled>"
        f"<tt:Port>{port}</tt:Port></tds:NetworkProtocols>"
        for name, on, port in (
            ("HTTP", True, camera.port), ("HTTPS", camera.maker.https, 443), ("RTSP", True, camera.rtsp_port)
        )
    )  # fmt: skip
    return f"<tds:GetNetworkProtocolsResponse>{rows}</tds:GetNetworkProtocolsResponse>"


def _reboot(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    if camera.reboot:
        camera.reboot()
    return "<tds:SystemRebootResponse><tds:Message>Rebooting in 1 second</tds:Message></tds:SystemRebootResponse>"


# ---------------------------------------------------------------- media


SIZES = (("main", 1920, 1080, 2048), ("sub", 640, 360, 512))
_SOURCE = (
    "<tt:Name>VSC_1</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>VS_1</tt:SourceToken>"
    '<tt:Bounds x="0" y="0" width="1920" height="1080"/>'
)


def _profiles(camera: Camera, ask: Ask, request: Request) -> str:
    if camera.maker.media2:
        return _profiles2(camera, ask, request)
    hollow = '<trt:Profiles token="Profile_0" fixed="true"><tt:Name>metadata</tt:Name></trt:Profiles>'
    rows = hollow if camera.maker.hollow else ""
    for number, (name, width, height, bits) in enumerate(SIZES, 1):
        rows += (
            f'<trt:Profiles token="Profile_{number}" fixed="true"><tt:Name>{name}</tt:Name>'
            f'<tt:VideoSourceConfiguration token="VSC_1">{_SOURCE}</tt:VideoSourceConfiguration>'
            f'<tt:VideoEncoderConfiguration token="VEC_{number}">'
            f"<tt:Name>VEC_{number}</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
            f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
            "<tt:Quality>5</tt:Quality><tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit>"
            f"<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>{bits}</tt:BitrateLimit></tt:RateControl>"
            "</tt:VideoEncoderConfiguration></trt:Profiles>"
        )
    return f"<trt:GetProfilesResponse>{rows}</trt:GetProfilesResponse>"


def _profiles2(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    """Of ver20: configurations come only where their types are asked for."""
    rows = ""
    for number, (name, width, height, bits) in enumerate(SIZES, 1):
        parts = ""
        if ">VideoSource<" in ask.text or ">All<" in ask.text:
            parts += f'<tr2:VideoSource token="VSC_1">{_SOURCE}</tr2:VideoSource>'
        if ">VideoEncoder<" in ask.text or ">All<" in ask.text:
            parts += (
                f'<tr2:VideoEncoder token="VEC_{number}" GovLength="50" Profile="Main"><tt:Name>VEC_{number}</tt:Name>'
                "<tt:UseCount>1</tt:UseCount><tt:Encoding>H265</tt:Encoding>"
                f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
                f"<tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit><tt:BitrateLimit>{bits}</tt:BitrateLimit>"
                "</tt:RateControl><tt:Quality>5</tt:Quality></tr2:VideoEncoder>"
            )
        parts = f"<tr2:Configurations>{parts}</tr2:Configurations>" if parts else ""
        rows += f'<tr2:Profiles token="Profile_{number}" fixed="true"><tr2:Name>{name}</tr2:Name>{parts}</tr2:Profiles>'
    return f"<tr2:GetProfilesResponse>{rows}</tr2:GetProfilesResponse>"


def _uri(camera: Camera, action: str, uri: str) -> str:
    if camera.maker.media2:
        return f"<tr2:{action}Response><tr2:Uri>{uri}</tr2:Uri></tr2:{action}Response>"
    return (
        f"<trt:{action}Response><trt:MediaUri><tt:Uri>{uri}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot>"
        f"<tt:Timeout>PT0S</tt:Timeout></trt:MediaUri></trt:{action}Response>"
    )


def _unknown_profile(camera: Camera, ask: Ask) -> Reply | None:
    if ask.value("ProfileToken") in ("Profile_1", "Profile_2"):
        return None
    return camera.fault(400, "Sender", "InvalidArgVal", "No such profile, or without a picture")


def _snapshot_uri(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    if "no_snapshot" in camera.faults:
        return camera.fault(400, "Receiver", "ActionNotSupported", "Snapshots are not supported")
    picture = url(camera, camera.maker.picture_path)
    return _unknown_profile(camera, ask) or _uri(camera, "GetSnapshotUri", picture)


def _stream_uri(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    path = camera.maker.stream_path.replace("&", "&amp;")
    stream = f"rtsp://{camera.announced()}:{camera.rtsp_port}{path}"
    return _unknown_profile(camera, ask) or _uri(camera, "GetStreamUri", stream)


# ---------------------------------------------------------------- recording


def _recordings(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    return (
        "<trc:GetRecordingsResponse><trc:RecordingItem><tt:RecordingToken>Rec_1</tt:RecordingToken>"
        "<tt:Configuration><tt:Source><tt:SourceId>urn:uuid:1</tt:SourceId><tt:Name>camera</tt:Name>"
        "<tt:Location/><tt:Description/><tt:Address/></tt:Source><tt:Content>all</tt:Content>"
        f"<tt:MaximumRetentionTime>P{KEPT.days}D</tt:MaximumRetentionTime></tt:Configuration><tt:Tracks/>"
        "</trc:RecordingItem></trc:GetRecordingsResponse>"
    )


def _jobs(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    return (
        "<trc:GetRecordingJobsResponse><trc:JobItem><tt:JobToken>Job_1</tt:JobToken><tt:JobConfiguration>"
        "<tt:RecordingToken>Rec_1</tt:RecordingToken><tt:Mode>Active</tt:Mode><tt:Priority>1</tt:Priority>"
        "</tt:JobConfiguration></trc:JobItem></trc:GetRecordingJobsResponse>"
    )


def _job_state(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    state = "Active" if camera.recording() else "Error"
    return (
        "<trc:GetRecordingJobStateResponse><trc:State><tt:RecordingToken>Rec_1</tt:RecordingToken>"
        f"<tt:State>{state}</tt:State></trc:State></trc:GetRecordingJobStateResponse>"
    )


def _summary(camera: Camera, ask: Ask, request: Request) -> str:  # noqa: ARG001
    until, number = camera.now(), 1
    if not camera.recording():
        number = int(dice(camera.seed, 813) < 0.5)  # noqa: PLR2004 - the memory card of one half is lost
        until -= camera.clock() - camera.since.get("not_recording", camera.clock())
    first = max(0.0, until - KEPT.total_seconds())
    return (
        f"<tse:GetRecordingSummaryResponse><tse:Summary><tt:DataFrom>{iso(first)}</tt:DataFrom>"
        f"<tt:DataUntil>{iso(until)}</tt:DataUntil><tt:NumberRecordings>{number}</tt:NumberRecordings></tse:Summary>"
        "</tse:GetRecordingSummaryResponse>"
    )


ACTIONS: Mapping[str, Callable[[Camera, Ask, Request], str | Reply]] = MappingProxyType(
    {
        "GetSystemDateAndTime": _date,
        "SetSystemDateAndTime": _set_date,
        "GetDeviceInformation": _information,
        "GetServices": _services,
        "GetCapabilities": _capabilities,
        "GetHostname": _hostname,
        "GetNTP": _ntp,
        "GetNetworkProtocols": _protocols,
        "SystemReboot": _reboot,
        "GetProfiles": _profiles,
        "GetSnapshotUri": _snapshot_uri,
        "GetStreamUri": _stream_uri,
        "GetRecordings": _recordings,
        "GetRecordingJobs": _jobs,
        "GetRecordingJobState": _job_state,
        "GetRecordingSummary": _summary,
        "CreatePullPointSubscription": events.create,
        "PullMessages": events.pull,
        "Renew": events.renew,
        "Unsubscribe": events.unsubscribe,
    }
)
"""What it answers: the inside of an envelope, or a whole reply."""
