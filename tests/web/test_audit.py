"""The audit on a real hub: every change with who and from where, filtered, exported, and never changed again."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import httpx2
import pytest

from hub.store.writer import Store
from hub.web.audit import safe
from tests.brokers import free_port
from tests.hub.test_app import running, settings

if TYPE_CHECKING:
    from pathlib import Path


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
