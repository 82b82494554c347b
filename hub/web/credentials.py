"""A device's door to the broker: a new password, shown once, or none. Its section stands on the device's page."""

from fastapi import APIRouter
from starlette.responses import Response

from hub.web.answers import ProblemAnswer
from hub.web.pages import ByDep, CoreDep, Missing, ReaderDep
from hub.web.pending import ApprovedAnswer

router = APIRouter(tags=["devices"])

_REFUSALS: dict[int | str, dict[str, object]] = {
    404: {"model": ProblemAnswer},
    409: {"model": ProblemAnswer},
}


@router.post("/devices/{name}/password", include_in_schema=False)
async def password_by_form(reader: ReaderDep, name: str) -> Response:
    """The button; shows the password once."""
    told = await password_by_api(reader.core, reader.by, name)
    response = reader.page("password.html", told=told)
    response.headers["cache-control"] = "no-store"
    return response


@router.post("/devices/{name}/revoke", include_in_schema=False)
async def revoke_by_form(reader: ReaderDep, name: str) -> Response:
    """The other button."""
    await revoke_by_api(reader.core, reader.by, name)
    return reader.go(f"/devices/{name}")


@router.post("/api/devices/{name}/password", responses=_REFUSALS)
async def password_by_api(core: CoreDep, by: ByDep, name: str) -> ApprovedAnswer:
    """A new broker password, told only here; the old one is over at once."""
    if core.device_view(name) is None:
        raise Missing("unknown_device")
    return ApprovedAnswer.of(await core.enrolment.password(name, by))


@router.post("/api/devices/{name}/revoke", responses=_REFUSALS, status_code=204)
async def revoke_by_api(core: CoreDep, by: ByDep, name: str) -> None:
    """No password of it is any good until a new one is made."""
    if core.device_view(name) is None:
        raise Missing("unknown_device")
    await core.enrolment.revoke(name, by)
