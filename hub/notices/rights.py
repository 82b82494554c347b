"""Who may what of a notice: one visible table. Whoever is in the list of people may write drafts and see everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.notice import Level
from devices.person import Role
from hub.views import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.notices.views import Draft

ANSWERABLE = frozenset({Role.ADMINISTRATOR, Role.OFFICIAL})
"""They answer for what boards say."""
ALARMED = ANSWERABLE | {Role.SECURITY}
"""The night watch sees the flood first."""

MAY: Mapping[str, frozenset[Role]] = {
    "approve": ANSWERABLE,
    "publish": ANSWERABLE,
    "end": ANSWERABLE,
    "declare": ALARMED,
    "end_emergency": ALARMED,
    "extend": ALARMED,
    "template": ANSWERABLE,
    "policy": ANSWERABLE | {Role.MAINTENANCE},
}
"""What is done -> by whom. `declare`: publish an emergency, a drill among them, without a second person."""


def check(act: str, role: Role | None) -> None:
    """Raises Refused (not_allowed). `role` None: the list of people is empty, so nobody can be asked for one."""
    if role is not None and role not in MAY[act]:
        raise Refused("not_allowed", role=role.value, act=act)


def to_publish(draft: Draft) -> str:
    """What publishing this is."""
    return "declare" if draft.level is Level.EMERGENCY else "publish"


def to_end(draft: Draft) -> str:
    """What ending this is."""
    return "end_emergency" if draft.level is Level.EMERGENCY else "end"
