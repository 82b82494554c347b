"""Words: what pages call each thing, and why a device is as it is, in a sentence. English msgids, one place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from devices.device import FIELDS, Kind
from devices.fact import FACTS
from devices.fault_code import in_words
from devices.health import WORST_FIRST, Shown
from devices.lifecycle import Lifecycle
from devices.person import Role
from hub.web.language import mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from devices.field import Field, Value
    from hub.views import Refused, RuleView, Text
    from hub.web.answers import DeviceAnswer, ReasonAnswer
    from hub.web.incidents import LogAnswer
    from hub.web.language import Language

SHOWN: Mapping[Shown, str] = {
    Shown.OK: mark("working"),
    Shown.DEGRADED: mark("degraded"),
    Shown.FAULTY: mark("faulty"),
    Shown.OFFLINE: mark("offline"),
    Shown.UNSTABLE: mark("unstable"),
    Shown.UNKNOWN: mark("unknown"),
    Shown.PENDING: mark("pending"),
    Shown.PLANNED: mark("planned"),
    Shown.MAINTENANCE: mark("in maintenance"),
    Shown.RETIRED: mark("retired"),
}

KIND: Mapping[Kind, str] = {
    Kind.CAMERA: mark("camera"),
    Kind.SOLAR_LIGHT: mark("solar light"),
    Kind.ACCESS_POINT: mark("wifi point"),
    Kind.SIGNBOARD: mark("signboard"),
    Kind.GATEWAY: mark("gateway"),
    Kind.SWITCH: mark("switch"),
    Kind.FEEDER: mark("feeder"),
    Kind.NVR: mark("video recorder"),
    Kind.HUB: mark("hub"),
}

TIER: Mapping[str, str] = {
    "province": mark("%(name)s"),
    "district": mark("%(name)s district"),
    "commune": mark("%(name)s commune"),
    "village": mark("%(name)s village"),
    "hamlet": mark("%(name)s hamlet"),
}

TIER_NAME: Mapping[str, str] = {
    "province": mark("province"),
    "district": mark("district"),
    "commune": mark("commune"),
    "village": mark("village"),
    "hamlet": mark("hamlet"),
}

_TIER_SAID = (
    "tỉnh ",
    "thành phố ",
    "huyện ",
    "quận ",
    "thị trấn ",
    "thị xã ",
    "xã ",
    "phường ",
    "thôn ",
    "xóm ",
    "tổ ",
)

STATE: Mapping[str, str] = {
    "forming": mark("open"),
    "open": mark("open"),
    "recovering": mark("recovering"),
    "closed": mark("closed"),
}

ROLE: Mapping[Role, str] = {
    Role.SECURITY: mark("security"),
    Role.ADMINISTRATOR: mark("administrator"),
    Role.MAINTENANCE: mark("repair crew"),
    Role.OFFICIAL: mark("official"),
}

LIFECYCLE: Mapping[Lifecycle, str] = {
    Lifecycle.PENDING: mark("pending"),
    Lifecycle.PLANNED: mark("planned"),
    Lifecycle.ACTIVE: mark("in use"),
    Lifecycle.MAINTENANCE: mark("in maintenance"),
    Lifecycle.RETIRED: mark("retired"),
}

STORY: Mapping[str, str] = {
    "opened": mark("Incident opened"),
    "severity": mark("Severity changed"),
    "accepted": mark("%(who)s accepted it"),
    "comment": mark("%(who)s writes"),
    "recovering": mark("Recovering: nothing is wrong any more"),
    "reopened": mark("It came back"),
    "closed": mark("Incident closed"),
}

OUTCOME: Mapping[str, str] = {
    "accepted": mark("Accepted"),
    "late": mark("Late (buffered on the way)"),
    "duplicate": mark("Duplicates, counted once"),
    "garbled": mark("Garbled"),
    "garbled_field": mark("Garbled in one field, the rest taken"),
    "will": mark("Goodbyes and wills"),
    "old_will": mark("Wills of an older connection, of no meaning"),
    "retained": mark("Retained (no sign of life)"),
    "hello": mark("Hellos of devices known already"),
    "unknown_device": mark("From unknown devices"),
    "wrong_realm": mark("From a device under another realm"),
    "wrong_topic": mark("Under a topic the hub does not know"),
    "retired": mark("From retired devices"),
    "pending_full": mark("Hellos beyond what may wait for approval"),
    "denied": mark("Refused by the broker: the sender may not write there"),
    "copied": mark("Users that came to the broker from two addresses in turn: a copied password?"),
    "clock_off": mark("Taken, but the device's clock is more than two minutes off"),
    "failed": mark("The hub failed on them; its log says why"),
    "ignored": mark("Ignored"),
}

DEAF: Mapping[str, str] = {
    "start": mark("the hub was not running"),
    "broker": mark("not connected to the broker"),
    "stalled": mark("the hub stood still"),
    "unheard": mark("the broker said nothing"),
    "inbox_full": mark("the hub had too much to do"),
    "clock_step": mark("the clock was set"),
    "store": mark("the database could not be written"),
}

SECRETS: Mapping[str, str] = {
    "lost": mark(
        "The key file of the stored secrets is gone: stored passwords cannot be opened. Put it back from its copy."
    ),
    "wrong": mark(
        "The key file of the stored secrets is another one: stored passwords cannot be opened. Put the right one back."
    ),
    "unreadable": mark(
        "The key file of the stored secrets cannot be read: stored passwords cannot be opened. Mend it or its rights."
    ),
}

LINK: Mapping[str, tuple[str, str]] = {
    "works": ("ok", mark("works")),
    "expired": ("planned", mark("expired")),
    "revoked": ("retired", mark("revoked")),
}
"""State of a link -> its shape, and its word."""

REFUSED: Mapping[str, str] = {
    "unknown_link": mark("There is no link of this number."),
    "unknown_purpose": mark("Choose from the list what the link is for."),
    "bad_days": mark("A link of this kind works for a number of days from 1 to %(limit)s."),
    "too_many_links": mark("%(limit)s links work already. Revoke those that nobody needs."),
    "unknown_incident": mark("This incident does not exist any more."),
    "incident_closed": mark("This incident is closed already: nothing is left to do."),
    "already_accepted": mark("%(by)s deals with it already."),
    "unknown_device": mark("This device does not exist any more."),
    "unknown_site": mark("Choose a site from the list."),
    "unknown_board": mark("Choose a notice board from the list."),
    "unknown_kind": mark("Choose the kind of device from the list."),
    "who_are_you": mark(
        "Say who you are, as in the list of people: by the header X-Village-Hub-Person, a command by --who or "
        "VILLAGE_HUB_WHO."
    ),
    "unknown_person": mark("There is no active person of this name: choose one from the list."),
    "person_taken": mark(
        "There is somebody of this name already: %(name)s. Write a name that tells them apart."
    ),
    "unknown_role": mark("Choose a role from the list."),
    "last_person": mark("This is the last person in the list: add another one first."),
    "name_missing": mark("Write your name, so that others know who deals with it."),
    "comment_missing": mark("Write a comment first."),
    "text_too_long": mark("At most %(limit)s characters fit here."),
    "bad_interval": mark("The interval is a number of seconds from 5 to 86400."),
    "changed_meanwhile": mark(
        "Somebody else changed this meanwhile. Look at it as it is now, then change it again."
    ),
    "realm_stays": mark("The realm of a device never changes: it is part of its topics."),
    "not_planned": mark(
        "There is no planned device of this name that was never heard: choose one from the list."
    ),
    "other_kind": mark("The planned device is of another kind than the one that knocks."),
    "retired": mark("This device is retired: it gets no password."),
    "no_secret_key": mark(
        "The key of the stored secrets is missing or does not fit. Put the key file back, then try again."
    ),
    "secret_damaged": mark("A stored secret cannot be opened: it was damaged. Enter it again."),
    "secrets_fit": mark("The key opens the stored secrets: nothing is lost, so nothing is thrown away."),
    "retired_stays": mark("%(name)s was taken away for good. Register a new device under another name."),
    "name_reserved": mark("%(name)s is a name, kind or realm that only the hub itself has."),
    "no_such_site": mark("There is no site %(site)s."),
    "cannot_search": mark("The search could not be made: %(why)s"),
    "thin_mask": mark("A mask needs two corners that lie apart: draw a rectangle, or write its four edges."),
    "many_masks": mark(
        "A camera has %(limit)s masks at most: take one away, or draw a larger one over several."
    ),
    "not_asked": mark("%(name)s is not asked over the network."),
    "poller_away": mark("Cameras cannot be asked just now; try again in a minute."),
    "clock_not_set": mark("Its clock could not be set: %(why)s"),
    "follows_ntp": mark(
        "%(name)s follows a time server (%(servers)s), and nothing was set. Set by hand it would follow none any more: "
        "that is chosen on its page, or by --manually."
    ),
    "no_default_login": mark("No default login of %(model)s is known, so none is tried."),
    "default_login_rests": mark(
        "A default login was tried on it within the hour. Too many wrong ones lock a camera."
    ),
    "default_login_locked": mark(
        "The camera locked its login at the last try. None is tried again until somebody has stored a password for it."
    ),
    "no_picture": mark("This picture is not kept any more."),
    "no_agent": mark("%(name)s is no gateway that asks cameras (driver agent)."),
    "key_changed": mark(
        "%(name)s does not show this key. Look at its page again, and compare it with what it shows."
    ),
    "driver_of_gateways": mark("The driver %(driver)s is for gateways."),
    "realm_has_agent": mark("The cameras of %(realm)s are asked by %(name)s already."),
    "driver_of_cameras": mark("The driver %(driver)s is for cameras and recorders."),
    "address_missing": mark("Say where %(name)s is asked: its address, or that of its recorder."),
    "bad_profile": mark(
        "%(column)s: a board's profile is like one of %(known)s, with its own width and height in lights or pixels."
    ),
    "bad_address": mark("%(column)s: an address looks like http://192.168.1.64/path, without a login in it."),
    "other_driver": mark(
        "This board comes in another way (driver %(driver)s): change its driver, or make the other link."
    ),
    "not_a_camera": mark("%(name)s is no camera that the hub can ask."),
    "not_a_board": mark("The driver %(driver)s is for notice boards only."),
    "no_such_driver": mark("There is no driver %(driver)s; there are: %(known)s."),
    "no_such_device": mark("There is no device %(name)s."),
    "no_such_lifecycle": mark("A device can be put to: %(known)s."),
    "hangs_on_itself": mark("%(name)s would hang on itself."),
    "half_a_place": mark("A place has both a latitude and a longitude."),
    "in_the_sea": mark(
        "%(lat)s, %(lon)s is not on land in Vietnam. Are latitude and longitude the right way round?"
    ),
    "channel_without_recorder": mark("A channel is one of a recorder: say which."),
    "channel_missing": mark("Say which channel of %(name)s the camera is on."),
    "channel_taken": mark("Channel %(channel)s of %(name)s is that of %(by)s already."),
    "not_a_recorder": mark("%(name)s is no video recorder, or this device no camera."),
    "same_hardware": mark("Serial number %(serial)s hangs there already."),
    "lifecycle_by_command": mark(
        "%(name)s: a file does not change how a device lives. Use its page or the command."
    ),
    "site_taken": mark("There is a site %(site)s already."),
    "site_by_command": mark(
        "%(site)s: a file does not change these of a site: %(what)s. Use its page or the command."
    ),
    "site_name_missing": mark("%(site)s is new: say its name."),
    "site_not_empty": mark("%(site)s still has sites or devices: %(holds)s. Place them elsewhere first."),
    "unknown_tier": mark("There is no tier %(tier)s; there are: %(known)s."),
    "own_ancestor": mark("%(site)s would be above itself."),
    "date_ahead": mark("This can be written down from %(day)s on, not before it happens."),
    "date_past": mark("Something was written down for %(day)s already: choose a later day."),
    "ended_then": mark("%(site)s was no more from %(day)s on."),
    "not_yet": mark("%(site)s begins on %(day)s: choose that day or a later one."),
    "site_keeps_name": mark(
        "%(site)s stands already and is called %(name)s. Merge without a name, then rename it."
    ),
    "same_parent": mark("It stands below %(site)s already."),
    "same_name": mark("It is called %(name)s already."),
    "merge_of_none": mark("Choose the sites that become one."),
    "file_too_large": mark("The file is larger than %(limit)s MB."),
    "not_utf8": mark("Line %(line)s is not UTF-8. Save the file as CSV UTF-8 and try again."),
    "columns_missing": mark("The first line lacks the columns: %(columns)s."),
    "columns_unknown": mark(
        "The first line has columns that are not known or stand there twice: %(columns)s. Known are: %(known)s."
    ),
    "too_many_lines": mark("A file has at most %(limit)s lines. Split it."),
    "cells_missing": mark("%(found)s cells instead of %(wanted)s."),
    "named_twice": mark("%(name)s stands in line %(line)s already."),
    "cell_missing": mark("%(column)s must not be empty."),
    "cell_one_of": mark("%(column)s is one of: %(known)s."),
    "cell_number": mark("%(column)s is a number."),
    "cell_at_least": mark("%(column)s is at least %(limit)s."),
    "cell_at_most": mark("%(column)s is at most %(limit)s."),
    "cell_name": mark(
        "%(column)s has only the letters a-z, digits and -, and begins with a letter or digit."
    ),
    "cell_long": mark("%(column)s has at most %(limit)s characters."),
    "cell_many": mark("%(column)s has at most %(limit)s entries."),
    "bad_cell": mark("%(column)s: %(why)s"),
    "bad_csv": mark("This is no CSV: %(why)s"),
    "name_taken": mark("Another device has this name already."),
    "unknown_program": mark("This light program does not exist any more."),
    "program_exists": mark("Another light program has this name already."),
    "program_name": mark("Give the program a name without a slash."),
    "unknown_target": mark("Choose for which lights this is: a site, a tag, or a light by its name."),
    "target_taken": mark("The program %(name)s is for these already. Change that one."),
    "tags_tie": mark(
        "%(device)s also has the tag %(tag)s, which has a program: nobody could say which counts."
    ),
    "bad_emergency_until": mark("Choose an end from now on, at most 12 hours away."),
    "not_later": mark("It already lasts until then or longer: choose a later end, or end it."),
    "bad_until": mark("Choose an end from now on, at most 60 days away."),
    "program_mixed": mark("Dimming goes all by times, or all by shares of the night."),
    "program_order": mark("Write the dimming in the order of the night, from evening to morning."),
    "program_savings": mark("For rainy weeks write the highest charge first, and dimmer with each."),
    "program_until": mark("For rainy weeks the charge that ends it is higher than the one that begins it."),
    "program_off": mark("The lamp must go on before it goes off, in one night."),
    "program_numbers": mark(
        "Times are like 22:00, levels from 0 to 100 %%, minutes from -180 to 180; at most 12 dimming steps."
    ),
    "disk_full": mark("The hub's disk is full: nothing was changed. Free some space first."),
    "not_stored_yet": mark(
        "Not stored yet: the hub's disk is full or broken. It will be stored when there is room."
    ),
    "store_broken": mark("The hub cannot write its database: nothing was changed."),
    "bad_number": mark("%(what)s is no number that fits here."),
    "bad_time": mark("%(what)s is no time: write it like 2026-11-24T19:30."),
    "bad_level": mark("Choose a level."),
    "unknown_notice": mark("There is no notice of this number."),
    "notice_ended": mark("This notice has ended. Write a new one from it."),
    "notice_problems": mark("This notice cannot be published yet: %(count)s things are wrong with it."),
    "not_a_draft": mark("Only a draft can be approved or discarded, and this is none."),
    "same_person": mark("You wrote this yourself: a second person has to approve it."),
    "not_approved": mark("A second person has to approve this first."),
    "not_allowed": mark("Your role may not do this. Ask an administrator or an official."),
    "confirm_boards": mark("This emergency goes to %(count)s boards: confirm that number."),
    "no_boards": mark("No board is aimed at: choose others."),
    "not_published": mark("This is not on any board."),
    "picture_too_large": mark(
        "A picture may have %(mb)s MB and %(mpx)s million pixels. Make it smaller first."
    ),
    "picture_bad": mark("This is no picture that can be read: choose a JPEG, PNG or WebP file."),
    "too_many": mark("At most %(limit)s fit here."),
    "template_fields": mark(
        "A template has a name, a text and at most %(limit)s fields like {this}, with no other braces."
    ),
    "bad_policy": mark("What a board does by itself cannot be set so: %(what)s."),
}

FOLLOWS: Mapping[str, str] = {
    "applied": mark("follows its program"),
    "waiting": mark("has not applied its program yet"),
    "late": mark("does not follow its program"),
    "cannot_tell": mark("cannot tell: this light never says what it follows"),
    "nothing": mark("nothing is asked of it"),
}

_REASON: Mapping[str, str] = {
    "never_seen": mark("it has not reported once"),
    "silent": mark("nothing heard from it since %(time)s"),
    "link_lost": mark("it lost its connection at %(time)s"),
    "unreachable": mark("it does not answer since %(time)s: %(how)s"),
    "gateway_silent": mark("its gateway %(gateway)s is silent"),
    "unstable": mark("its state changed again and again in the last 30 minutes"),
    "cannot_prove": mark("it cannot say what it shows"),
    "not_shown_yet": mark("it has not said yet what it shows"),
    "shows_other": mark("it shows something else than was previewed"),
}

HOW: Mapping[str, str] = {
    "timeout": mark("no answer in time"),
    "refused": mark("nothing listens at its address"),
    "no_route": mark("the network knows no way there"),
    "no_such_host": mark("its host name is unknown"),
    "reset": mark("it cuts the connection"),
}
"""How a device that is asked does not answer."""

_LONG_S = 600
"""From here on seconds are told as minutes and hours, without a rest."""

HASH = 12
"""So many digits of a hash are shown."""

_GAP = re.compile(r"\{\w*\}")
_TIMES = ("last_seen", "at")

_STATED: Mapping[Shown, str] = {
    Shown.FAULTY: mark("%(count)s faulty"),
    Shown.OFFLINE: mark("%(count)s offline"),
    Shown.UNSTABLE: mark("%(count)s unstable"),
    Shown.DEGRADED: mark("%(count)s degraded"),
    Shown.UNKNOWN: mark("%(count)s unknown"),
    Shown.PENDING: mark("%(count)s pending"),
    Shown.PLANNED: mark("%(count)s planned"),
    Shown.MAINTENANCE: mark("%(count)s in maintenance"),
}

BAD = (Shown.FAULTY, Shown.OFFLINE, Shown.UNSTABLE, Shown.DEGRADED, Shown.UNKNOWN)
"""States that ask for attention, worst first."""


class Titles(Protocol):
    """Rules' own texts by their ids; a dict is one."""

    def get(self, rule: str, other: Text, /) -> Text: ...


def _fields() -> dict[str, Field]:
    table = {f.name: f for f in FACTS}
    for fields in FIELDS.values():
        table |= {f.name: f for f in fields}
    return table


_FIELDS = _fields()


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def tier_name(lang: Language, tier: str, name: str) -> str:
    """`thôn Tháp Thượng`; a name that says its tier itself stays as it is."""
    if tier not in TIER or name.casefold().startswith(_TIER_SAID):
        return name
    return lang.text(TIER[tier], name=name)


def refused(lang: Language, error: Refused) -> str:
    """Why a request was refused, as a sentence."""
    message = REFUSED.get(error.code)
    if message is None:
        return lang.text("The hub refused this (%(code)s).", code=error.code)
    try:
        return lang.text(message) % error.about
    except KeyError:
        return lang.text(message)


def ordered(counts: Mapping[Kind, Mapping[Shown, int]]) -> list[tuple[Kind, Mapping[Shown, int]]]:
    """Counts in the order of the kinds."""
    return [(kind, counts[kind]) for kind in Kind if kind in counts]


def totals(counts: Mapping[Kind, Mapping[Shown, int]]) -> dict[Shown, int]:
    """Devices by state over all kinds."""
    sums = dict.fromkeys(WORST_FIRST, 0)
    for by_state in counts.values():
        for state, count in by_state.items():
            sums[state] += count
    return sums


def stated(lang: Language, sums: Mapping[Shown, int], states: Iterable[Shown] = BAD) -> list[str]:
    """`27 mất liên lạc`, `1 hỏng`: those of `states` that there are."""
    return [lang.text(_STATED[s], count=lang.number(sums[s])) for s in states if sums.get(s)]


def reason(lang: Language, why: ReasonAnswer, now: int, titles: Titles) -> str:
    """One reason as part of a sentence; `titles` are the rules' own texts."""
    about: dict[str, object] = dict(why.about)
    code = str(about.get("rule", "")) if why.code == "rule" else why.code
    if code in _REASON:
        for name in _TIMES:
            at = about.get(name)
            if isinstance(at, int | float) and at:
                about["time"] = lang.time(int(at), now)
        if code == "unreachable":
            about["how"] = lang.text(HOW.get(str(about.get("how")), HOW["timeout"]))
        try:
            return lang.text(_REASON[code]) % about
        except KeyError:  # what should fill the sentence is not known
            return lang.text(mark("nothing heard from it"))
    return rule_title(lang, titles.get(code, {})) or code


def why(lang: Language, device: DeviceAnswer, now: int, titles: Titles) -> str:
    """Every reason of a device, joined; empty where nothing is wrong."""
    said = [reason(lang, r, now, titles) for r in device.reasons]
    if device.unstable and all(r.code != "unstable" for r in device.reasons):
        said.insert(0, lang.text(_REASON["unstable"]))
    return "; ".join(dict.fromkeys(said))


def story(lang: Language, line: LogAnswer) -> str:
    """What one line of an incident's story tells, without its text."""
    message = STORY.get(line.what, line.what)
    return lang.text(message) % {"who": line.who}


def claim(lang: Language, said: Mapping[str, str]) -> str:
    """What an unknown device says of itself."""
    known = {kind.value: lang.text(word) for kind, word in KIND.items()}
    parts = [
        known.get(text, text) if name == "kind" else f"{name} {text}" for name, text in said.items() if text
    ]
    return " · ".join(parts)


def rule_title(lang: Language, title: Text) -> str:
    """A rule's title without a device: `{device}: đèn hỏng` -> `đèn hỏng`; other gaps become an ellipsis."""
    said = title.get(lang.code) or title.get("vi") or title.get("en") or ""
    said = said.removeprefix("{device}: ").replace("{device}", lang.text("the device"))
    return _GAP.sub("…", said)


SPAN = {
    "hour": mark("hour"),
    "day": mark("day"),
    "week": mark("week"),
    "month": mark("month"),
    "year": mark("year"),
}
"""How far back a chart looks -> its word."""


def rule_titles(rules: Iterable[RuleView]) -> dict[str, Text]:
    """Rule id -> its text in every language."""
    return {rule.id: rule.title for rule in rules}


def label(lang: Language, name: str) -> str:
    """What people call a field or fact."""
    known = _FIELDS.get(name)
    return lang.text(known.label) if known else name


def value(lang: Language, name: str, said: Value) -> str:
    """A field's value as people read it, with its unit."""
    if isinstance(said, bool):
        return lang.text("yes") if said else lang.text("no")
    if isinstance(said, list):
        return ", ".join(in_words(code, lang.code) for code in said) if said else lang.text("none")
    if isinstance(said, str):
        return f"{said[:HASH]}…" if said else lang.text("none")
    known = _FIELDS.get(name)
    unit = known.unit if known else ""
    if unit == "s":
        whole = said >= _LONG_S or (said and said % 60 == 0)
        return lang.duration(int(said * 1000)) if whole else f"{lang.number(said)}\u00a0s"
    written = lang.number(said)
    return f"{written}\u00a0{unit}" if unit else written
