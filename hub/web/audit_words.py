"""Words of the audit: what was done, what each thing that changed is called, and what it was and is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.web import notice_words, words
from hub.web.language import mark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hub.web.language import Language

ACTION: Mapping[str, str] = {
    "device.added": mark("registered"),
    "device.changed": mark("changed"),
    "device.replaced": mark("hardware replaced"),
    "device.retired": mark("taken away for good"),
    "device.maintenance": mark("put into maintenance"),
    "device.in_service": mark("put back into service"),
    "pending.refused": mark("refused"),
    "site.added": mark("new site"),
    "site.changed": mark("changed"),
    "site.renamed": mark("renamed"),
    "site.placed": mark("placed below another"),
    "site.merged": mark("merged into another"),
    "site.grown": mark("took others in"),
    "site.ended": mark("ended"),
    "device.enrolled": mark("let in"),
    "device.password_made": mark("new password"),
    "device.password_revoked": mark("password taken away"),
    "device.label_printed": mark("label printed"),
    "camera.password_set": mark("password of the camera set"),
    "camera.options_set": mark("camera treated otherwise"),
    "camera.asked": mark("camera asked again"),
    "camera.clock_set": mark("clock of the camera set"),
    "camera.default_login_on": mark("one try of the maker's default login switched on"),
    "camera.default_login_tried": mark("the maker's default login was tried"),
    "camera.reference_set": mark("reference view set"),
    "camera.picture_seen": mark("picture looked at"),
    "camera.pictures_purged": mark("pictures purged"),
    "agent.key_accepted": mark("key of the agent accepted"),
    "person.added": mark("added"),
    "person.changed": mark("changed"),
    "person.left": mark("has left"),
    "incident.accepted": mark("accepted"),
    "incident.commented": mark("commented"),
    "program.made": mark("new program"),
    "program.changed": mark("changed"),
    "program.removed": mark("removed"),
    "link.made": mark("made a link"),
    "link.revoked": mark("revoked a link"),
    "until_dawn.set": mark("on until dawn"),
    "until_dawn.ended": mark("on until dawn ended"),
    "secrets.reset": mark("stored secrets given up"),
    "notice.written": mark("wrote a notice"),
    "notice.changed": mark("changed a notice"),
    "notice.approved": mark("approved a notice"),
    "notice.published": mark("published a notice"),
    "notice.declared": mark("declared an emergency on the boards"),
    "notice.ended": mark("ended a notice"),
    "notice.extended": mark("extended an emergency"),
    "notice.discarded": mark("discarded a draft"),
    "template.kept": mark("kept a template"),
    "board.policy_set": mark("set what a board does by itself"),
    "board.witness_set": mark("set which camera sees a board"),
}

FIELD: Mapping[str, str] = {
    "name": mark("Name"),
    "title": mark("What people call it"),
    "fingerprint": mark("Key"),
    "kind": mark("Kind"),
    "realm": mark("Realm"),
    "site": mark("Site"),
    "place": mark("Place"),
    "lat": mark("Latitude"),
    "lon": mark("Longitude"),
    "interval_s": mark("Reports every (seconds)"),
    "timeout_s": mark("Offline after a silence of (seconds)"),
    "lifecycle": mark("Stage"),
    "power_from": mark("Power from"),
    "uplink_by": mark("Uplink by"),
    "nvr": mark("Recorder"),
    "channel": mark("Channel there"),
    "tags": mark("Tags"),
    "driver": mark("Driver"),
    "serial": mark("Serial number"),
    "address": mark("Address (of a camera that is asked)"),
    "login": mark("User name there"),
    "profile": mark("Profile of a notice board"),
    "camera": mark("Camera"),
    "model": mark("Model"),
    "firmware": mark("Firmware"),
    "why": mark("Why"),
    "hello": mark("Name with which it knocked"),
    "tier": mark("Tier"),
    "parent": mark("Below"),
    "since": mark("From"),
    "until": mark("Until when"),
    "into": mark("Merged into"),
    "of": mark("Merged from"),
    "role": mark("Role"),
    "phone": mark("Telephone"),
    "active": mark("In the list"),
    "comment": mark("Comment"),
    "purpose": mark("What for"),
    "subject": mark("About"),
    "note": mark("Note"),
    "days": mark("Works for days"),
    "accepted_by": mark("Who deals with it"),
    "target": mark("For"),
    "on": mark("On"),
    "off": mark("Off"),
    "at": mark("at"),
    "offset_min": mark("minutes after dusk or dawn"),
    "steps": mark("Dimming"),
    "level_pct": mark("level (%%)"),
    "share_pct": mark("share of the night (%%)"),
    "saving": mark("Rainy weeks"),
    "below_pct": mark("below (%%)"),
    "until_pct": mark("until (%%)"),
    "secrets": mark("Stored secrets"),
    "set": mark("Password stored"),
    "picture": mark("Picture"),
    "events": mark("Its own alarms"),
    "masks": mark("Masks"),
    "taken": mark("Taken at"),
    "pictures": mark("Pictures"),
    "before": mark("Taken before"),
    "devices": mark("Devices"),
    "level": mark("Level"),
    "priority": mark("Priority"),
    "text": mark("Text"),
    "link": mark("Link"),
    "template": mark("Template"),
    "fields": mark("Fields"),
    "start": mark("Begins"),
    "end": mark("Ends"),
    "recurrence": mark("Recurs"),
    "minutes": mark("Minutes each time"),
    "targets": mark("Where"),
    "drill": mark("Drill"),
    "revision": mark("Revision"),
    "boards": mark("Boards"),
    "hash": mark("Fingerprint"),
    "link_lost": mark("When the link is lost"),
    "link_lost_s": mark("Link is lost after (seconds)"),
    "power_return": mark("When power returns"),
    "nothing_due": mark("When nothing is due"),
    "no_clock": mark("When its clock is unknown"),
}
"""What an entry calls each thing that it can hold."""

_VALUE: Mapping[str, Mapping[str, str]] = {
    "role": {r.value: w for r, w in words.ROLE.items()},
    "kind": {k.value: w for k, w in words.KIND.items()},
    "lifecycle": {s.value: w for s, w in words.LIFECYCLE.items()},
    "tier": words.TIER_NAME,
    "level": {level.value: w for level, w in notice_words.LEVEL.items()},
}


def action(lang: Language, code: str) -> str:
    """What somebody did, in words."""
    return lang.text(ACTION[code]) if code in ACTION else code


def field(lang: Language, key: str) -> str:
    """What a thing that changed is called."""
    return lang.text(FIELD[key]) % () if key in FIELD else key


def told(lang: Language, key: str, value: object) -> str:
    """What an entry keeps of one thing, readable."""
    if isinstance(value, bool):
        return lang.text("yes") if value else lang.text("no")
    if isinstance(value, dict):
        return ", ".join(f"{field(lang, k)} {told(lang, k, v)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(told(lang, key, one) for one in value) or "–"
    if value in (None, ""):
        return "–"
    if key in ("until", "start", "end") and isinstance(value, int):
        return lang.moment(value)
    said = _VALUE.get(key, {}).get(str(value))
    return lang.text(said) if said else str(value).removesuffix(".0")
