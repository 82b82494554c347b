"""The audit on a real hub: every change with who and from where, filtered, exported, and never changed again."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest

import hub
from devices.device import Device
from devices.lifecycle import Lifecycle
from devices.person import Person
from devices.program import Edge, Program, Saving, Step
from devices.wire import HelloPayload
from hub.registrar import Hardware
from hub.registry_csv import safe
from hub.store.writer import Store
from hub.web.audit_words import ACTION, FIELD, told
from hub.web.language import language, read_catalogue
from tests.brokers import free_port
from tests.hub.test_app import running, settings

HUB = Path(hub.__file__).parent


async def test_who_changed_what_is_read_filtered_and_exported(tmp_path: Path) -> None:
    async with running(settings(tmp_path, free_port())) as port:
        base = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(base_url=base, headers={"Origin": base, "Cookie": "lang=en"}) as web:
            await web.post("/who", data={"_who": "Lan", "_role": "official"})
            web.headers["Cookie"] = "lang=en; who=Lan"
            for name in ("An", "=1+1"):
                await web.post("/people", data={"name": name, "role": "security"})
            changed = {"name": "An", "role": "official", "version": "1", "active": "true"}
            assert (await web.post("/people/2", data=changed)).status_code == 303
            found = (await web.get("/api/audit")).json()["entries"]
            assert [e["action"] for e in found] == ["person.changed", *["person.added"] * 3]
            assert (found[0]["person"], found[0]["address"], found[0]["subject"]) == (
                "Lan",
                "127.0.0.1",
                "person:An",
            )
            assert (found[0]["before"], found[0]["after"]) == ({"role": "security"}, {"role": "official"})
            for query, many in (
                ("person=Lan", 4), ("person=An", 0), ("subject=person:An", 2), ("subject=person:", 4),
                ("action=person.changed", 1), ("action=person.", 4), ("since=2020-01-01", 4), ("until=2020-01-01", 0),
                (f"before={found[0]['id']}", 3), ("subject=%25", 0), ("until=9999-12-31", 4), ("since=0001-01-01", 4),
            ):  # fmt: skip
                assert len((await web.get(f"/api/audit?{query}")).json()["entries"]) == many, query
            assert (await web.get("/api/audit?since=soon")).status_code == 422
            page = (await web.get("/audit?subject=person:An")).text
            assert 'Role: <span class="soft">security</span> → official' in page
            sheet = (await web.get("/audit.csv")).content
            assert sheet.startswith(b"\xef\xbb\xbfid,time,person")
            assert len(sheet.decode("utf-8-sig").splitlines()) == 5
            lines = (await web.get("/audit.jsonl?action=person.changed")).text.splitlines()
            assert [json.loads(line)["subject"] for line in lines] == ["person:An"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1"])
def test_a_spreadsheet_takes_nothing_for_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe(f"x{text}") == f"x{text}"


def test_the_audit_is_only_added_to(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path
    store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO audit VALUES (1, 1, 'Lan', '', 'a.b', 'c:d', '{}', '{}')")
        for sql in ("DELETE FROM audit", "UPDATE audit SET person='An'"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                db.execute(sql)


def models() -> set[str]:
    """Every field of what the audit tells of, with those inside a program."""
    found = {f.name for kind in (Device, Person) for f in fields(kind)} - {"id", "version"}
    found |= {*Hardware._fields, *HelloPayload.model_fields}
    for part in (Program, Edge, Step, Saving):
        found |= part.model_fields.keys()
    return found


def written() -> tuple[set[str], set[str]]:
    """(keys, actions) that stand in the functions which write into the audit."""
    keys: set[str] = set()
    actions: set[str] = set()
    for path in HUB.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            calls = [
                n for n in ast.walk(function) if isinstance(n, ast.Call) and "note" in ast.unparse(n.func)
            ]
            if not calls:
                continue
            dicts = [n for n in ast.walk(function) if isinstance(n, ast.Dict)]
            keys |= {
                k.value
                for d in dicts
                for k in d.keys
                if isinstance(k, ast.Constant) and isinstance(k.value, str)
            }
            texts = {
                n.value
                for n in ast.walk(function)
                if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
            actions |= {t for t in texts if re.fullmatch(r"[a-z_]+\.[a-z_]+", t)}
    return keys, actions


def test_everything_the_audit_can_hold_has_its_word_in_both_languages() -> None:
    keys, actions = written()
    assert {"hello", "until", "accepted_by", "parent", "of", "firmware"} <= keys, "they are found"
    assert {"device.replaced", "program.made", "person.left", "secrets.reset"} <= actions
    values = {x.value for x in Lifecycle}  # keys of a table of actions, in a function that writes
    assert (keys | models()) - values <= FIELD.keys()
    assert actions <= ACTION.keys()
    known = read_catalogue("vi")
    assert {*FIELD.values(), *ACTION.values()} <= known.keys()


@pytest.mark.parametrize(
    ("key", "value", "vi", "en"),
    [
        ("kind", "solar_light", "đèn năng lượng mặt trời", "solar light"),
        ("lifecycle", "active", "đang dùng", "in use"),
        ("tier", "commune", "xã", "commune"),
        ("interval_s", 60.0, "60", "60"),
        ("lat", 21.0985, "21.0985", "21.0985"),
        ("tags", ["chợ", "modem"], "chợ; modem", "chợ; modem"),
        ("tags", [], "–", "–"),
        ("steps", [{"at": "22:00", "level_pct": 50}], "lúc 22:00, độ sáng (%) 50", "at 22:00, level (%) 50"),
        ("until", 1_764_000_000_000, "23:00, thứ Hai 24/11", "23:00, Monday 24 Nov"),
        ("until", "2025-07-01", "2025-07-01", "2025-07-01"),
        ("unheard", "x", "x", "x"),
    ],
)
def test_what_changed_is_told_as_people_say_it(key: str, value: object, vi: str, en: str) -> None:
    assert told(language("vi"), key, value) == vi
    assert told(language("en"), key, value) == en
