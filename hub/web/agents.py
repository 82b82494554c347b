"""An agent's own panel on its gateway's page: its key, to be accepted by a person, and what it was told to ask."""

from typing import Annotated

from fastapi import APIRouter, Form
from pydantic import BaseModel, Field
from starlette.responses import Response

from devices.device import AGENT
from hub.agents import AgentView
from hub.views import Core, Refused
from hub.web.answers import Answer, ProblemAnswer
from hub.web.language import Language
from hub.web.pages import ByDep, CoreDep, Fragments, ReaderDep, draw

router = APIRouter(tags=["cameras"])

_REFUSALS: dict[int | str, dict[str, object]] = {404: {"model": ProblemAnswer}, 409: {"model": ProblemAnswer}}


class AgentAnswer(Answer):
    """What is known of an agent: fingerprints of the key that it `offered` and of the one `accepted` (empty: none)."""

    name: str
    offered: str
    accepted: str
    waits: bool
    """The offered key is not the accepted one: until a person accepts it, no password is sent."""
    cameras: int
    """What it was told to ask."""
    left_out: list[str]
    """Cameras of its realm that are asked by nobody: their targets do not fit into one message."""
    follows: bool
    """It has said that it asks what it was told last."""

    @classmethod
    def of(cls, view: AgentView) -> "AgentAnswer":
        return cls(
            name=view.name, offered=view.offered, accepted=view.accepted, waits=view.waits, cameras=view.cameras,
            left_out=list(view.left_out), follows=view.follows,
        )  # fmt: skip


class Shown(BaseModel):
    """The fingerprint as the agent shows it at the village."""

    fingerprint: Annotated[str, Field(max_length=40)]


def fragment(core: Core, lang: Language, name: str, driver: str) -> Fragments:
    """The panel, which streams; empty for what is no agent."""
    agent = core.agents.view(name) if driver == AGENT else None
    return {"device-agent": draw("parts/device_agent.html", core, lang, agent=agent, name=name)}


@router.post("/devices/{name}/agent/accept", include_in_schema=False)
async def accept_by_form(reader: ReaderDep, name: str, said: Annotated[Shown, Form()]) -> Response:
    """The button."""
    await reader.core.agents.accept(name, said.fingerprint, reader.by)
    return reader.go(f"/devices/{name}")


@router.get("/api/agents/{name}", responses=_REFUSALS)
async def agent_by_api(core: CoreDep, name: str) -> AgentAnswer:
    """An agent: its key, and what it was told to ask."""
    found = core.agents.view(name)
    if found is None:
        raise Refused("no_agent", name=name)
    return AgentAnswer.of(found)


@router.post("/api/agents/{name}/accept", responses=_REFUSALS, status_code=204)
async def accept_by_api(core: CoreDep, by: ByDep, name: str, said: Shown) -> None:
    """This is the agent's key: the passwords of its realm's cameras are sealed to it from now on."""
    await core.agents.accept(name, said.fingerprint, by)
