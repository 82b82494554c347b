"""Players: a page on a screen cannot speak MQTT; it posts the same messages over HTTP, several at a time."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.errors import BadPayload
from drivers.native import excerpt, why

MOST = 50
"""Messages in one post."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    channel: Literal["state", "telemetry", "occurrence", "receipt"]
    body: dict[str, Any]


class _Said(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")
    screen: Annotated[str, Field(max_length=40)] = ""
    messages: Annotated[list[_Message], Field(max_length=MOST)]


class Said(NamedTuple):
    """One post: which screen it is, by its own name for itself, and (channel, payload) of each message."""

    screen: str
    messages: tuple[tuple[str, bytes], ...]


def read(body: bytes) -> Said:
    """A post; payloads are as our contract has them. Raises BadPayload."""
    try:
        said = _Said.model_validate_json(body)
    except ValidationError as e:
        raise BadPayload(why(e), excerpt(body)) from e
    bodies = ((m.channel, json.dumps(m.body, separators=(",", ":")).encode()) for m in said.messages)
    return Said(said.screen, tuple(bodies))
