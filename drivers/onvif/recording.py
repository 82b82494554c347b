"""Whether a camera records: what the standard's recording and search services say, or an honest "cannot tell"."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from drivers.onvif.caller import UNREACHABLE
from drivers.onvif.errors import CameraError, Code, quoted
from drivers.onvif.wsdl import Service

if TYPE_CHECKING:
    from drivers.onvif.client import Camera

FRESH_S = 600
"""The newest recorded picture may be this old by the camera's clock: recordings are closed in pieces."""


class Recording(NamedTuple):
    """`answer` None: cannot tell. `until`: seconds since 1970 by our clock of the newest picture, where it says so.

    `reason` is one of: `recent` (newest picture is fresh), `old` (it is not), `empty` (nothing recorded),
    `job_active`, `job_idle`, `no_job`, `no_service` (neither service is offered), `no_answer` (both offered services
    fail).
    """

    answer: bool | None
    reason: str
    until: float | None = None
    words: str = ""


async def ask(camera: Camera) -> Recording:
    """Ask the search service, then the recording service. Raises CameraError where the camera is out of reach."""
    services = await camera.services()
    offered = [
        (s, how) for s, how in ((Service.SEARCH, _search), (Service.RECORDING, _jobs)) if s in services
    ]
    found = Recording(None, "no_service")
    for _, how in offered:
        try:
            found = await how(camera)
        except CameraError as e:
            if e.code in UNREACHABLE or e.code.startswith("login"):
                raise
            found = Recording(None, "no_answer", words=e.reason)
        if found.answer is not None:
            return found
    return found


async def _search(camera: Camera) -> Recording:
    """GetRecordingSummary: from when to when there are pictures, and in how many recordings."""
    said = await camera.call(Service.SEARCH, "GetRecordingSummary")
    if not getattr(said, "NumberRecordings", None):
        return Recording(False, "empty")
    until = getattr(said, "DataUntil", None)
    if not isinstance(until, dt.datetime):
        return Recording(None, "no_answer", words="it does not say until when it recorded")
    stamp = until.replace(tzinfo=until.tzinfo or dt.UTC).timestamp()
    ours = stamp - (camera.last_clock.sign_s if camera.last_clock else 0.0)
    fresh = camera.now() - ours < FRESH_S
    return Recording(fresh, "recent" if fresh else "old", until=ours)


async def _jobs(camera: Camera) -> Recording:
    """GetRecordingJobs and the state of each that is switched on: one active job is a yes."""
    said = await camera.call(Service.RECORDING, "GetRecordingJobs")
    jobs = list(said or ())[:8]
    if not jobs:
        return Recording(False, "no_job")
    states = [await _state(camera, job) for job in jobs if _mode(job) == "active"]
    if any(s == "active" for s in states):
        return Recording(True, "job_active")
    if any(s is None for s in states):
        return Recording(None, "no_answer", words="it does not tell the state of its recording job")
    return Recording(False, "job_idle", words=quoted(", ".join(filter(None, states))))


def _mode(job: Any) -> str:
    return str(getattr(getattr(job, "JobConfiguration", None), "Mode", None) or "").lower()


async def _state(camera: Camera, job: Any) -> str | None:
    try:
        said = await camera.call(Service.RECORDING, "GetRecordingJobState", JobToken=str(job.JobToken or ""))
    except CameraError as e:
        if e.code in (Code.NO_SUCH_SERVICE, Code.FAILED, Code.GARBLED):
            return None
        raise
    state = str(getattr(said, "State", None) or "").lower()
    return state or None
