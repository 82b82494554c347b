"""Pages: one reader's request (hub, language, theme, remembered name) and how a template is drawn for it."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlencode

from fastapi import Depends
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from devices.device import Kind
from devices.health import Shown
from devices.person import By
from hub import typed
from hub.views import Core, Refused, Text
from hub.web import audit_words, chart, words
from hub.web.language import CODES, Language, language, mark, wanted

HERE = Path(__file__).parent
THEMES = ("auto", "day", "night")
YEAR_S = 365 * 86400

Fragments = dict[str, str]
"""Element id -> its HTML: what a page is made of, and what a stream sends when it differs."""


class Reader:
    """One request of one reader."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.core: Core = request.app.state.core
        self.lang = wanted(request)
        asked = request.query_params.get("theme") or request.cookies.get("theme") or "auto"
        self.theme = asked if asked in THEMES else "auto"
        self.by = by_of(request)
        self.who = self.by.person

    def page(
        self,
        template: str,
        *,
        live: str = "nav",
        fragments: Fragments | None = None,
        status: int = 200,
        **about: Any,
    ) -> Response:
        """A whole page; `live` names its stream, `fragments` are its parts that stream."""
        parts = nav_fragments(self.core, self.lang) | (fragments or {})
        stream = urlencode({"page": live, "lang": self.lang.code, "seen": digest(parts)})
        html = draw(
            template,
            self.core,
            self.lang,
            reader=self,
            fragments=parts,
            stream=f"/events?{stream}",
            static=self.request.app.state.static,
            hub=self.core.hub(),
            **about,
        )
        return self.remember(HTMLResponse(html, status))

    def remember(self, response: Response) -> Response:
        """Keep a language or theme that the address asked for."""
        for name, allowed in (("lang", CODES), ("theme", THEMES)):
            value = self.request.query_params.get(name, "")
            if value in allowed:
                response.set_cookie(name, value, max_age=YEAR_S, samesite="lax", httponly=True)
        return response

    def go(self, path: str) -> Response:
        """Go on to another page after a change."""
        return RedirectResponse(path, 303)

    def with_query(self, **changes: object) -> str:
        """This address with a changed query; an empty value leaves a key out."""
        query = {**self.request.query_params, **{k: str(v) for k, v in changes.items()}}
        kept = urlencode({k: v for k, v in query.items() if v})
        return f"{self.request.url.path}?{kept}" if kept else self.request.url.path


PERSON = "x-village-hub-person"
"""Header by which a command line says who asks, percent-encoded; a browser has a cookie."""


def by_of(request: Request) -> By:
    """Who asks, and from where; empty where that is nobody the hub knows. Changes are asked for before (`known`)."""
    found = getattr(request.state, "by", None)
    if isinstance(found, By):
        return found
    said = request.headers.get(PERSON) or request.cookies.get("who", "")
    try:
        known = request.app.state.core.people.known(typed.line(unquote(said)))
    except Refused:
        known = None
    return By(known.name if known else "", request.client.host if request.client else "")


def _core(request: Request) -> Core:
    core: Core = request.app.state.core
    return core


ReaderDep = Annotated[Reader, Depends(Reader)]
CoreDep = Annotated[Core, Depends(_core)]
ByDep = Annotated[By, Depends(by_of)]


class Missing(Exception):  # noqa: N818 - it says what the address is
    """There is nothing under this address; `code` is unknown_device, unknown_site or unknown_incident."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Titles:
    """The rules' texts, asked for only by what has a reason to tell."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._known: dict[str, Text] | None = None

    def get(self, rule: str, other: Text) -> Text:
        if self._known is None:
            self._known = words.rule_titles(self._core.hub().rules)
        return self._known.get(rule, other)


def draw(template: str, core: Core, lang: Language, **about: Any) -> str:
    """A template's HTML in a language, at this time."""
    return plain(template, lang, now=core.now(), titles=_Titles(core), **about)


def plain(template: str, lang: Language, **about: Any) -> str:
    """The HTML of a template that shows no time and no reason."""
    return _environment(lang.code).get_template(template).render(about)


def nav_fragments(core: Core, lang: Language) -> Fragments:
    """What every page shows: open incidents, devices waiting for approval, and that the hub hears nothing."""
    counts = {"nav-incidents": len(core.overview().incidents), "nav-pending": len(core.pending())}
    return {
        id_: f'<span id="{id_}" class="count" hx-swap-oob="true">{lang.number(n) if n else ""}</span>'
        for id_, n in counts.items()
    } | {"deaf-note": _deaf_note(core, lang)}


DEAF_TOLD_MS = 5000
"""A hub that hears nothing for less is starting, or has hiccups."""


def _deaf_note(core: Core, lang: Language) -> str:
    spans, now = core.hub().deaf, core.now()
    said = ""
    if spans and spans[-1][1] is None and now - spans[-1][0] >= DEAF_TOLD_MS:
        why = lang.text(words.DEAF.get(spans[-1][2], spans[-1][2]))
        said = lang.text(_DEAF, moment=lang.time(spans[-1][0], now), why=why)
    hidden = "" if said else " hidden"
    return f'<p id="deaf-note" class="note" role="status" hx-swap-oob="true"{hidden}>{escape(said)}</p>'


_DEAF = mark("The hub hears no device since %(moment)s: %(why)s. What you see is from then.")


def digest(fragments: Fragments) -> str:
    """A short fingerprint, by which a stream knows that the page has these parts already."""
    return hashlib.blake2s("".join(fragments.values()).encode(), digest_size=6).hexdigest()


@cache
def _environment(code: str) -> Environment:
    lang = language(code)
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(lang.catalogue.gettext, lang.catalogue.ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.filters |= {
        "number": lang.number,
        "clock": lang.clock,
        "time": lang.time,
        "moment": lang.moment,
        "duration": lang.duration,
        "since": lang.since,
        "ago": lang.ago,
        "capital": words.capital,
        "tr": lang.text,
    }
    env.globals |= {
        "lang": lang,
        "W": words,
        "Shown": Shown,
        "Kind": Kind,
        "chart": chart,
        "counted": lang.count,
        "label": lambda name: words.label(lang, name),
        "said": lambda name, value: words.value(lang, name, value),
        "why": lambda device, now, titles: words.why(lang, device, now, titles),
        "reason": lambda r, now, titles: words.reason(lang, r, now, titles),
        "action": lambda code: audit_words.action(lang, code),
        "audited": lambda key: audit_words.field(lang, key),
        "told": lambda key, value: audit_words.told(lang, key, value),
        "place": lambda tier, name: words.tier_name(lang, tier, name),
        "refused": lambda error: words.refused(lang, error) if isinstance(error, Refused) else "",
        "pick": lambda texts: texts.get(code) or texts.get("vi") or next(iter(texts.values()), ""),
    }
    return env
