"""Both doors of a whole hub: real sockets, real TLS by a CA of our own; a token is kept and logged nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
import trustme

from hub import registry
from hub.app import CannotStart
from hub.settings import OutsideSettings
from hub.store.writer import Store, Writes
from hub.web.outside_server import AT_ONCE
from tests.brokers import free_port
from tests.hub.test_app import running, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from hub.settings import Settings

CA = trustme.CA()
REGISTRY = """{"sites": [{"slug": "tt", "name": "Tháp Thượng", "tier": "village"}], "devices": [
 {"name": "den-1", "kind": "solar_light", "realm": "tt", "site": "tt", "title": "Đèn nhà ông Bảy"}]}"""


def certificate(folder: Path, days: float = 90) -> dict[str, Path]:
    issued = CA.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=days))
    file = folder / "door.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(file)
    return {"tls_cert": file, "tls_key": file}


def wanted(folder: Path, **outside: Any) -> Settings:
    """Settings of a hub with one village; it is registered where it is not."""
    said = {"host": "127.0.0.1", "port": free_port()} | outside
    found = settings(folder, free_port(), outside=OutsideSettings.model_validate(said))
    if not (found.data_dir / "hub.db").exists():
        file = folder / "registry.json"
        file.write_text(REGISTRY)
        store, writes, read = Store(found.data_dir), Writes(), registry.read_file(file)
        registry.put_sites(writes, read)
        for row in read.devices:
            registry.put_device(writes, row.to_device(), "")
        store.commit(writes)
        store.close()
    return found


@asynccontextmanager
async def doors(found: Settings) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    """A hub, and a client at each door; the one outside believes our CA only."""
    trusted = ssl.create_default_context()
    CA.configure_trust(trusted)
    headers = {"X-Village-Hub": "1"}
    async with running(found) as port:
        inside = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers)
        outside = httpx2.AsyncClient(base_url=found.outside.address, verify=trusted, trust_env=False)
        async with inside, outside:
            yield inside, outside


async def link(inside: httpx2.AsyncClient, **said: Any) -> tuple[int, str]:
    """A new link: its number and the path of its address."""
    made = (await inside.post("/api/links", json={"subject": "tt"} | said)).json()
    return made["link"]["id"], "/l/" + made["address"].rsplit("/", 1)[1]


async def test_a_link_over_tls_and_nothing_of_the_inside(tmp_path: Path) -> None:
    found = wanted(tmp_path, **certificate(tmp_path))
    async with doors(found) as (inside, outside):
        number, path = await link(inside)
        page = await outside.get(path)
        assert page.status_code == 200
        assert page.headers["strict-transport-security"]
        assert "Thôn Tháp Thượng" in page.text
        assert "Bảy" not in page.text
        for within in (
            "/",
            "/devices",
            "/people",
            "/links",
            "/api/links",
            "/api/overview",
            "/healthz",
            "/static/app.css",
        ):
            assert (await inside.get(within)).status_code in (200, 503), within
            answer = await outside.get(within)
            assert (answer.status_code, answer.content) == (404, b"")
        assert (await inside.get(path)).status_code == 404, "the inside does not know links"
        told = (await inside.get("/api/hub")).json()["outside"]
        assert told == {"on": True, "address": found.outside.address, "tls": True, "days_left": 89}
        assert (await inside.post(f"/api/links/{number}/revoke", json={})).status_code == 200
        assert (await outside.get(path)).status_code == 404


async def test_a_link_about_a_site_that_was_merged_opens_nothing(tmp_path: Path) -> None:
    async with doors(wanted(tmp_path, **certificate(tmp_path))) as (inside, outside):
        _, path = await link(inside)
        merged = {"slugs": ["tt"], "into": "moi", "name": "Thôn Mới", "tier": "village"}
        assert (await inside.post("/api/registry/site-merge", json=merged)).status_code == 200
        assert (await outside.get(path)).status_code == 404
        refused = await inside.post("/api/links", json={"subject": "tt"})
        assert (refused.status_code, refused.json()["code"]) == (409, "unknown_site")
        _, path = await link(inside, subject="moi")
        assert "Thôn Mới" in (await outside.get(path)).text


async def test_it_speaks_tls_from_1_2_on_and_nothing_else(tmp_path: Path) -> None:
    found = wanted(tmp_path, **certificate(tmp_path))
    async with doors(found) as (inside, _):
        _, path = await link(inside)
        async with httpx2.AsyncClient(trust_env=False) as plain:
            with pytest.raises(httpx2.TransportError):
                await plain.get(f"http://127.0.0.1:{found.outside.port}{path}")
        async with httpx2.AsyncClient(trust_env=False) as stranger:
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(f"{found.outside.address}{path}")
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{found.outside.port}", "-brief"]
        for version, comes_in in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            done = await _run([*command, version])
            assert ("CONNECTION ESTABLISHED" in done) is comes_in, done


async def _run(command: list[str]) -> str:
    made = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await made.communicate()
    return out.decode()


async def test_a_renewed_certificate_is_shown_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.outside.LOOK_S", 0.05)
    found = wanted(tmp_path, **certificate(tmp_path, 5))
    async with doors(found) as (inside, outside):
        assert (await inside.get("/api/hub")).json()["outside"]["days_left"] == 4
        certificate(tmp_path, 60)
        async with _patience():
            while (await inside.get("/api/hub")).json()["outside"]["days_left"] != 59:
                await _breath()
        _, path = await link(inside)
        assert (await outside.get(path)).status_code == 200
        shown = await _run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{found.outside.port}", "-showcerts"]
        )
        assert f"{datetime.now(UTC) + timedelta(days=60):%b}" in shown


def _patience() -> Any:
    return asyncio.timeout(20)


async def _breath() -> None:
    await asyncio.sleep(0.05)


async def test_a_certificate_that_ends_soon_is_an_incident_of_the_hub(tmp_path: Path) -> None:
    async with doors(wanted(tmp_path, **certificate(tmp_path, 5))) as (inside, _):
        async with _patience():
            while "certificate_ending" not in (await inside.get("/api/devices/hub")).text:
                await _breath()
        page = (await inside.get("/devices/hub?lang=vi")).text
        assert "chứng chỉ của cổng ngoài sắp hết hạn" in page


async def test_behind_a_proxy_in_plain_http(tmp_path: Path) -> None:
    found = wanted(tmp_path, behind_proxy="127.0.0.1")
    async with doors(found) as (inside, outside):
        _, path = await link(inside)
        assert (await outside.get(path)).status_code == 200
        came = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
        assert "strict-transport-security" in (await outside.get(path, headers=came)).headers
        for n in range(31):
            await outside.get(f"/l/{n}", headers=came)
        assert (await outside.get(path, headers=came)).status_code == 429
        assert (
            await outside.get(path, headers=came | {"X-Forwarded-For": "198.51.100.8"})
        ).status_code == 200
    found = wanted(tmp_path, behind_proxy="10.9.9.9")
    async with doors(found) as (inside, outside):
        _, path = await link(inside)
        assert (await outside.get(path, headers={"X-Forwarded-For": "10.9.9.9"})).status_code == 404


async def test_the_token_is_nowhere_and_links_outlive_a_restart(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpcore2").setLevel(logging.WARNING)  # our own client's, which knows the address
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    tls = certificate(tmp_path)
    async with doors(wanted(tmp_path, **tls)) as (inside, outside):
        _, path = await link(inside, note="bảng ở nhà văn hóa")
        assert (await outside.get(path)).status_code == 200
        assert (await outside.get(path + "/nothing")).status_code == 404
        _nowhere(tmp_path, path)
    _nowhere(tmp_path, path)
    async with doors(wanted(tmp_path, **tls)) as (inside, outside):
        assert (await inside.get("/api/links")).json()["links"][0]["uses"] == 1, "stored at the end"
        assert (await outside.get(path)).status_code == 200
        assert path[3:] not in (await inside.get("/api/audit")).text
        _nowhere(tmp_path, path)
    said = caplog.text + "".join(capfd.readouterr())
    assert path[3:] not in said
    assert path[3:33] not in said


def _nowhere(folder: Path, path: str) -> None:
    kept = [p for p in folder.rglob("*") if p.is_file()]
    assert any(p.name.endswith("-wal") for p in kept) or any(p.name == "hub.db" for p in kept)
    for file in kept:
        assert path[3:33].encode() not in file.read_bytes(), file


async def test_the_key_lost(tmp_path: Path) -> None:
    tls = certificate(tmp_path)
    async with doors(wanted(tmp_path, **tls)) as (inside, _):
        _, path = await link(inside)
    key = tmp_path / "var" / "secret.key"
    aside = key.rename(tmp_path / "aside")
    async with doors(wanted(tmp_path, **tls)) as (inside, outside):
        assert (await outside.get(path)).status_code == 404
        assert "no link opens and none can be made" in (await inside.get("/links?lang=en")).text
        refused = await inside.post("/api/links", json={"subject": "tt"})
        assert refused.json()["code"] == "no_secret_key"
        assert (await inside.get("/sites/tt")).status_code == 200, "nothing else breaks"
        checked = await _run(
            [sys.executable, "-c", "from hub.cli import main; main()", "check", *_file(tmp_path)]
        )
        assert "WRONG   secrets: the key file" in checked
        assert "links cannot be opened" in checked
    aside.rename(key)
    async with doors(wanted(tmp_path, **tls)) as (_, outside):
        assert (await outside.get(path)).status_code == 200


def _file(folder: Path, web: int = 1, broker: int = 1) -> list[str]:
    file = folder / "hub.toml"
    file.write_text(f'data_dir = "{folder}/var"\n[web]\nport = {web}\n[broker]\nport = {broker}\n')
    return ["--settings", str(file)]


@pytest.mark.parametrize("said", [{}, {"behind_proxy": "nobody"}])
async def test_an_open_door_without_tls_or_proxy_does_not_start(tmp_path: Path, said: dict[str, str]) -> None:
    if said:
        with pytest.raises(ValueError, match="behind_proxy"):
            wanted(tmp_path, **said)
        return
    with pytest.raises(CannotStart, match=r"outside\.host is set, but neither"):
        async with running(wanted(tmp_path)):
            pass


async def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    found = wanted(tmp_path, behind_proxy="127.0.0.1")
    async with running(found):
        second = wanted(tmp_path / "b", behind_proxy="127.0.0.1", port=found.outside.port)
        with pytest.raises(CannotStart, match="cannot open the outside door on"):
            async with running(second):
                pass


async def test_the_command_makes_lists_and_revokes(tmp_path: Path) -> None:
    found = wanted(tmp_path, **certificate(tmp_path))
    async with doors(found) as (inside, outside):
        command = [sys.executable, "-c", "from hub.cli import main; main()", "link"]
        where = _file(tmp_path, web=int(inside.base_url.port or 0))
        address = (await _run([*command, "make", "tt", "--note", "loa", "--days", "9", *where])).strip()
        assert address.startswith(found.outside.address + "/l/")
        assert (await outside.get(address)).status_code == 200
        assert (await _run([*command, "list", *where])).split("\t")[:4] == ["1", "works", "site", "tt"]
        assert await _run([*command, "revoke", "1", *where]) == "link 1 is revoked\n"
        assert (await outside.get(address)).status_code == 404
        assert "no link of this number" in (await _run([*command, "revoke", "8", *where]))


async def test_so_many_connections_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert AT_ONCE == 200
    monkeypatch.setattr("hub.web.outside_server.AT_ONCE", 3)
    found = wanted(tmp_path, behind_proxy="127.0.0.1")
    async with doors(found) as (inside, outside):
        _, path = await link(inside)
        idle = [await asyncio.open_connection("127.0.0.1", found.outside.port) for _ in range(3)]
        with pytest.raises(httpx2.TransportError):
            await outside.get(path)
        assert (await inside.get("/links")).status_code == 200, "the inside does not notice"
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()
        assert (await _answered(outside, path)).status_code == 200


async def test_who_says_nothing_whole_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.web.outside_server.PATIENCE_S", 0.2)
    found = wanted(tmp_path, behind_proxy="127.0.0.1")
    whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with doors(found), _patience():
        for said in (
            b"",
            b"GET / HT",
            whole + b"GET /l",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", found.outside.port)
            writer.write(said)
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()


async def test_what_strangers_send_is_no_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = wanted(tmp_path, **certificate(tmp_path))
    trusted = ssl.create_default_context()
    CA.configure_trust(trusted)
    asked = b"GET /l/secret HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with doors(found), _patience():
        caplog.clear()
        for said, tls in ((b"\x16\x03\x01garbage", None), (b"garbage\r\n\r\n", trusted), (asked, trusted)):
            reader, writer = await asyncio.open_connection("127.0.0.1", found.outside.port, ssl=tls)
            writer.write(said)
            await reader.read(9)
            writer.close()
        assert caplog.text == ""


async def _answered(web: httpx2.AsyncClient, path: str) -> httpx2.Response:
    """Its answer, when it gives one."""
    async with _patience():
        while True:
            with contextlib.suppress(httpx2.TransportError):
                return await web.get(path)
            await _breath()
