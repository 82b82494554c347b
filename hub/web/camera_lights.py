"""A camera's six lights in words, and the chain of reasons in one sentence."""

from collections.abc import Mapping

from devices.camera import EVIDENCE, FAULT_CODES, LIGHTS
from devices.health import Health
from hub.views import DeviceDetail
from hub.web.answers import Answer
from hub.web.language import Language, mark

LIGHT: dict[str, str] = {
    "reachable": mark("Reachable"),
    "logged_in": mark("Logged in"),
    "picture_fresh": mark("Picture fresh"),
    "picture_good": mark("Picture good"),
    "clock_right": mark("Clock right"),
    "recording": mark("Recording"),
}
_CODES: dict[str, tuple[str, ...]] = {
    "reachable": (
        "answersBusy",
        "answersSlow",
        "answersGarbled",
        "answersTooLarge",
        "sendsElsewhere",
        "notOnvif",
    ),
    "logged_in": ("loginRefused", "loginLocked", "loginFull"),
    "picture_fresh": ("pictureFrozen", "noPicture", "picturePlain", "streamRefused"),
    "picture_good": (
        "pictureGarbled",
        "pictureBlack",
        "lensCovered",
        "pictureBlurred",
        "pictureOverexposed",
        "viewTurned",
        "sceneChanged",
        "tooDark",
        "tooBlurry",
        "tooBright",
        "signalLost",
    ),
    "clock_right": ("clockWrong",),
    "recording": ("notRecording",),
}
"""Which codes speak of which light."""
UNREADABLE = ("answersGarbled", "answersTooLarge", "sendsElsewhere", "notOnvif")
"""It is there, and what it says is of no use: no light of a camera that works."""
EXPLAINED = {"reachable": ("answersBusy",), "logged_in": _CODES["logged_in"]}
"""Codes of which a poller says by what it told them."""


class LightAnswer(Answer):
    """One light: `ok`, `bad` or `unknown`, with the reason in words, and by what that was told (may be empty)."""

    name: str
    state: str
    text: str
    seen: str = ""


def lights(detail: DeviceDetail, lang: Language, now: int, *, learnt: bool = True) -> list[LightAnswer]:
    """The six lights in the order in which one hangs on the other. `learnt`: it is known how its view looks."""
    values = detail.values
    good, bad = _list(values.get("lights_ok")), _list(values.get("lights_bad"))
    faults = _list(values.get("faults"))
    away = detail.view.health in (Health.OFFLINE, Health.UNKNOWN)
    found = []
    for name in LIGHTS:
        if name == "reachable":
            lost = detail.view.health is Health.OFFLINE or _any(UNREADABLE, values)
            state = "bad" if lost else "unknown" if away else "ok"
        else:
            state = "unknown" if away else "ok" if name in good else "bad" if name in bad else "unknown"
        said = _words(_CODES[name], faults, lang, values.get("connections_most"))
        text = "; ".join(said) if said and not away else _text(name, state, detail, lang, now)
        if name == "clock_right" and said and not away:
            text = "; ".join([*said, *_off(values, lang)])
        if not said and not away and (perhaps := _words(_CODES[name], values.get("suspected"), lang)):
            text = lang.text(mark("perhaps: %(what)s; looked at again soon")) % {"what": "; ".join(perhaps)}
        elif name == "picture_good" and state == "unknown" and not (away or said or learnt):
            text = lang.text(mark("cannot tell yet: its view is being learnt"))
        seen = _seen(name, values, lang) if not away else ""
        found.append(LightAnswer(name=name, state=state, text=text, seen=seen))
    return found


def _seen(light: str, values: Mapping[str, object], lang: Language) -> str:
    """By what was told why the login is refused, or why it only answers that it is busy."""
    there, faults = _list(values.get("evidence")), _list(values.get("faults"))
    if not any(code in faults for code in EXPLAINED.get(light, ())):
        return ""
    words = [EVIDENCE[c].get(lang.code, EVIDENCE[c]["vi"]) for c in there if c in EVIDENCE]
    return "; ".join(words + [f"“{said}”" for said in _list(values.get("said"))])


def summary(found: list[LightAnswer], good_at: int | None, now: int, lang: Language) -> str:
    """The chain of reasons in one sentence: whether it answers, what is not as it should be, the last good picture."""
    first, rest = found[0], found[1:]
    parts = [lang.text(mark("answers")) if first.state == "ok" else first.text]
    if first.state == "ok" and first.seen:
        parts = [first.text]
    parts += [light.text for light in rest if light.state == "bad"]
    if first.state == "ok" and len(parts) == 1 and not first.seen:
        told = [lang.text(LIGHT[light.name]).lower() for light in rest if light.state == "ok"]
        parts += told
    if good_at is not None:
        parts.append(lang.text(mark("last good picture %(time)s")) % {"time": lang.time(good_at, now)})
    return "; ".join(parts)


def _off(values: Mapping[str, object], lang: Language) -> list[str]:
    """By how much the clock is wrong."""
    off = values.get("clock_off_s")
    if not isinstance(off, int | float) or abs(off) < 60:  # noqa: PLR2004 - a minute
        return []
    words = mark("%(time)s ahead") if off > 0 else mark("%(time)s behind")
    return [lang.text(words) % {"time": lang.duration(round(abs(off) * 1000))}]


def _text(name: str, state: str, detail: DeviceDetail, lang: Language, now: int) -> str:  # noqa: PLR0911 - one a light
    v = detail.values
    match name, state:
        case "reachable", "ok" if "answer_ms" in v:
            return lang.text(mark("answers in %(ms)s ms")) % {"ms": lang.number(float(v["answer_ms"]), 0)}  # type: ignore[arg-type]
        case "reachable", "bad":
            return lang.text(mark("does not answer"))
        case "picture_fresh", "ok" if "picture_age_s" in v:
            since = max(0, now - detail.values_at) if detail.values_at is not None else 0
            age = lang.duration(round(float(v["picture_age_s"]) * 1000) + since)  # type: ignore[arg-type]
            if "picture_every_s" not in v:
                return lang.text(mark("%(age)s old")) % {"age": age}
            every = lang.duration(round(float(v["picture_every_s"]) * 1000))  # type: ignore[arg-type]
            return lang.text(mark("%(age)s old; the one before it came %(every)s earlier")) % {
                "age": age,
                "every": every,
            }
        case "clock_right", "ok" if "clock_off_s" in v:
            off = float(v["clock_off_s"])  # type: ignore[arg-type]
            if abs(off) < 0.05:  # noqa: PLR2004 - what is shown has one decimal
                return lang.text(mark("yes"))
            words = mark("%(s)s s ahead") if off > 0 else mark("%(s)s s behind")
            return lang.text(words) % {"s": lang.number(abs(off), 1)}
        case "recording", "unknown":
            return lang.text(_not_told(detail))
        case _, "ok":
            return lang.text(mark("yes"))
        case _, "bad":
            return lang.text(mark("no"))
    return lang.text(mark("cannot tell"))


def _not_told(detail: DeviceDetail) -> str:
    """Why nobody knows whether it records."""
    if detail.view.health is Health.OFFLINE:
        return mark("cannot tell: it does not answer")
    if _any(_CODES["logged_in"], detail.values):
        return mark("cannot tell: it lets nobody in")
    if _any(UNREADABLE, detail.values):
        return mark("cannot tell: its answers are of no use")
    return mark("cannot tell: the camera does not say")


_FULL = mark("login refused: the camera is full (%(num)s connections), not a wrong password")


def _words(codes: tuple[str, ...], there: object, lang: Language, most: object = None) -> list[str]:
    """Those of `codes` that are there; of a full camera with the `most` connections that it has, where it says."""
    words = {c: FAULT_CODES[c].get(lang.code, FAULT_CODES[c]["vi"]) for c in codes if c in _list(there)}
    if "loginFull" in words and isinstance(most, int):
        words["loginFull"] = lang.text(_FULL) % {"num": lang.number(most)}
    return list(words.values())


def _any(codes: tuple[str, ...], values: Mapping[str, object]) -> bool:
    return any(code in _list(values.get("faults")) for code in codes)


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []
