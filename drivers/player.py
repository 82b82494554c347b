"""Players: a page on a screen cannot speak MQTT; it posts the same messages over HTTP, several at a time."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

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
    messages: Annotated[list[_Message], Field(max_length=MOST)]


def read(body: bytes) -> tuple[tuple[str, bytes], ...]:
    """(channel, payload) of each message of a post, payloads as our contract has them. Raises BadPayload."""
    try:
        said = _Said.model_validate_json(body)
    except ValidationError as e:
        raise BadPayload(why(e), excerpt(body)) from e
    return tuple((m.channel, json.dumps(m.body, separators=(",", ":")).encode()) for m in said.messages)
