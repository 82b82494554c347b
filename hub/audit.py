"""The audit: who did what, when, from where, with what was before and after. Only ever added to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from devices.person import By
    from hub.store.writer import Writes


def note(
    writes: Writes,
    at: int,
    by: By,
    action: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """One more entry, with the batch of the change itself. Never give it a secret.

    `action` is noun.verb (`device.added`), `subject` noun:name (`device:tt-l017`); where `before` and `after` hold
    the same keys, only what differs is kept.
    """
    differing = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k) or k not in before}
    kept = [
        json.dumps({k: v for k, v in side.items() if k in differing}, ensure_ascii=False, default=str)
        for side in (before, after)
    ]
    writes.add(
        "INSERT INTO audit (at, person, address, action, subject, before, after) VALUES (?,?,?,?,?,?,?)",
        at, by.person, by.address, action, subject, *kept,
    )  # fmt: skip
