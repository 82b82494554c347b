"""`village-hub device` and `site`: the same words and the same result, whether a hub runs or not."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import TYPE_CHECKING

import pytest

from hub import cli
from tests.brokers import free_port
from tests.hub.test_app import running, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class Teller:
    """Runs commands against one data folder."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(exist_ok=True)
        self.file = folder / "hub.toml"
        self.file.write_text(f'data_dir = "{folder}/var"\n[web]\nport = {port or 1}\n')

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                cli.cli([*words, "--settings", str(self.file)], standalone_mode=True)
                code = 0
            except SystemExit as e:
                code = int(e.code or 0) if not isinstance(e.code, str) else 1
        return code, out.getvalue(), err.getvalue()

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(self.run, *words)


async def story(say: Callable[..., Awaitable[tuple[int, str, str]]], folder: Path) -> None:
    """What a person does with a new hub."""
    assert (await say("site", "add", "xa", "--name", "Xã A", "--tier", "commune"))[0] == 0
    assert (await say("site", "add", "thon", "--name", "Thôn B", "--parent", "xa"))[0] == 0
    added = await say(
        "device", "add", "den-1", "--kind", "solar_light", "--realm", "thon", "--site", "thon", "--who", "Lan"
    )
    assert added[:2] == (0, "den-1 is registered\n")
    code, _, err = await say(
        "device", "add", "den-1", "--kind", "camera", "--realm", "thon", "--site", "thon"
    )
    assert (code, err) == (1, "village-hub: Another device has this name already.\n")
    code, _, err = await say("device", "add", "Đèn", "--kind", "camera", "--realm", "thon", "--site", "thon")
    assert (code, "name has only the letters a-z" in err) == (1, True)
    sheet = folder / "more.csv"
    sheet.write_text("name,kind,realm,site\nden-2,solar_light,thon,thon\nden-3,toaster,thon,thon\n")
    code, out, err = await say("device", "import", str(sheet))
    assert (code, out) == (1, "")
    assert f"{sheet}:3: kind is one of" in err
    assert "nothing was registered: 1 of 2 lines are wrong" in err
    sheet.write_text("name,kind,realm,site\nden-2,solar_light,thon,thon\nden-3,camera,thon,thon\n")
    assert "dry run" in (await say("device", "import", str(sheet), "--dry-run"))[1]
    assert (await say("device", "list"))[1].count("\n") == 1
    assert (await say("device", "import", str(sheet)))[1] == "2 new devices, 0 changed\n"
    assert (await say("device", "replace", "den-2", "--serial", "S-2", "--why", "storm"))[0] == 0
    assert (await say("device", "retire", "den-3"))[0] == 0
    shown = (await say("device", "show", "den-2"))[1]
    assert "serial       S-2" in shown
    assert "device.replaced by" in shown
    assert "device.added by Lan (" in (await say("device", "show", "den-1"))[1]
    exported = folder / "all.csv"
    assert (await say("device", "export", str(exported)))[1] == f"3 devices written to {exported}\n"
    assert (await say("device", "import", str(exported)))[1] == "0 new devices, 0 changed\n"
    assert (await say("site", "rename", "thon", "Thôn C"))[0] == 0
    assert (await say("site", "list"))[1].splitlines() == [
        "xa  Xã A (commune)",
        "  thon  Thôn C (village, 3 devices)",
    ]
    sites = folder / "sites.csv"
    sites.write_text("slug,name,tier,parent\nngo,Ngõ 4,hamlet,thon\nxom,,hamlet,thon\n")
    assert f"{sites}:3: name must not be empty" in (await say("site", "import", str(sites)))[2]
    sites.write_text("slug,name,tier,parent\nngo,Ngõ 4,hamlet,thon\n")
    assert (await say("site", "import", str(sites)))[1] == "1 new sites, 0 changed\n"
    assert (await say("site", "correct", "ngo", "--lat", "21.1", "--lon", "105.7"))[0] == 0
    assert (await say("site", "export", str(sites)))[1] == f"3 sites written to {sites}\n"
    assert "ngo,Ngõ 4,hamlet,thon,21.1,105.7," in sites.read_text()
    assert (await say("site", "import", str(sites), "--dry-run"))[1].startswith("0 new sites, 0 changed (")
    assert "xa would be above itself" in (await say("site", "place", "xa", "thon"))[2]
    assert (await say("device", "show", "nobody"))[0] == 1
    assert "is no day" in (await say("site", "end", "thon", "--since", "yesterday"))[2]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")


async def test_without_a_hub(tmp_path: Path) -> None:
    await story(Teller(tmp_path, 0), tmp_path)


async def test_beside_a_running_hub(tmp_path: Path) -> None:
    async with running(settings(tmp_path, free_port())) as port:
        await story(Teller(tmp_path, port), tmp_path)


async def test_a_hub_that_does_not_answer(tmp_path: Path) -> None:
    async with running(settings(tmp_path, free_port())):
        code, _, err = await Teller(tmp_path, 0)("device", "list")
    assert code == 1
    assert "no hub answers" in err
