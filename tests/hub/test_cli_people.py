"""`village-hub person`, and who may change something: the same beside a running hub and without one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from hub.audit import Wanted
from hub.store.reader import Reader
from tests.brokers import free_port
from tests.hub.test_app import running, settings
from tests.hub.test_cli_registry import Teller

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Say = Callable[..., Awaitable[tuple[int, str, str]]]

WHO = (
    "village-hub: Say who you are, as in the list of people: by the header X-Village-Hub-Person, a command by --who or "
    "VILLAGE_HUB_WHO.\n"
)
SITE = ("site", "add", "xa", "--name", "Xã A", "--tier", "commune")


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("VILLAGE_HUB_WHO", raising=False)


async def people(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """How a list begins and goes on."""
    assert (await say("person", "list"))[:2] == (0, "")
    assert (await say(*SITE))[0] == 0, "while nobody is in the list, whoever one says one is"
    added = await say(
        "person", "add", "Nguyễn Văn Bộ", "--role", "official", "--phone", "0912", "--site", "xa"
    )
    assert added == (0, "Nguyễn Văn Bộ is in the list\n", "")

    lan = ("person", "add", "Lan", "--role", "security")
    assert await say(*lan) == (1, "", WHO)
    assert await say(*lan, "--who", "Eve") == (1, "", WHO)
    assert (await say(*lan, "--who", "nguyen van bo"))[0] == 0
    monkeypatch.setenv("VILLAGE_HUB_WHO", "Lan")
    code, _, err = await say("person", "add", "LÂN", "--role", "official")
    assert (code, err) == (
        1,
        "village-hub: There is somebody of this name already: Lan. Write a name that tells them apart.\n",
    )
    assert (await say("person", "add", "X", "--role", "king"))[0] == 2
    code, _, err = await say("person", "add", "X", "--role", "official", "--site", "moon")
    assert (code, err) == (1, "village-hub: Choose a site from the list.\n")
    code, _, err = await say("person", "add", " ", "--role", "official")
    assert (code, err.count("\n")) == (1, 1)
    code, _, err = await say("person", "add", "X", "--role", "official", "--phone", "1" * 21)
    assert (code, err) == (1, "village-hub: At most 20 characters fit here.\n")
    code, _, err = await say("person", "add", "X" * 81, "--role", "official")
    assert (code, err) == (1, "village-hub: At most 80 characters fit here.\n")

    assert (await say("person", "change", "Nguyen Van Bo", "--role", "maintenance", "--site", ""))[0] == 0
    assert (await say("person", "change", "lan", "--name", "Trần Thị Lan"))[1] == "Trần Thị Lan is changed\n"
    assert await say("person", "leave", "nobody") == (1, "", "village-hub: there is no person nobody\n")
    assert (await say("person", "leave", "Nguyễn Văn Bộ"))[0:] == (1, "", WHO), "there is no Lan any more"
    monkeypatch.setenv("VILLAGE_HUB_WHO", "Trần Thị Lan")
    assert (await say("person", "leave", "Nguyễn Văn Bộ"))[1] == "Nguyễn Văn Bộ has left\n"
    assert (await say("person", "list"))[1].splitlines() == [
        "Trần Thị Lan\tsecurity\t-\t-",
        "Nguyễn Văn Bộ\tmaintenance\t0912\t-\tleft",
    ]
    code, _, err = await say("person", "leave", "Trần Thị Lan")
    assert (code, err) == (1, "village-hub: This is the last person in the list: add another one first.\n")
    assert (await say("person", "leave", "Nguyễn Văn Bộ", "--back"))[1] == "Nguyễn Văn Bộ is back\n"
    found = json.loads((await say("person", "list", "--json"))[1])["people"]
    assert found[0] == {
        "id": 1, "name": "Nguyễn Văn Bộ", "role": "maintenance", "phone": "0912", "site": "", "active": True,
        "version": 4,
    }  # fmt: skip
    assert len(found) == 2


async def changes(say: Say, folder: Path) -> None:
    """Nothing is changed by somebody who is not in the list; what is refused leaves no trace."""
    sheet = folder / "one.csv"
    sheet.write_text("name,kind,realm,site\nden-2,solar_light,xa,xa\n")
    lamp = ("device", "add", "den-1", "--kind", "solar_light", "--realm", "xa", "--site", "xa")
    done = [("site", "rename", "xa", "Xã B"), lamp, ("device", "import", str(sheet))]
    for command in done:
        assert await say(*command, "--who", "Eve") == (1, "", WHO)
        assert (await say(*command, "--who", "tran thi lan"))[0] == 0
    for command in [("device", "retire", "den-1"), ("device", "replace", "den-2", "--serial", "S")]:
        assert await say(*command, "--who", "Eve") == (1, "", WHO)
    assert (await say("device", "list"))[1].count("planned") == 2


def audited(folder: Path) -> list[tuple[str, str, str]]:
    """(person, action, subject), oldest first."""
    rows = Reader(folder / "var" / "hub.db").audit(Wanted(), None, 99)
    return [(person, action, subject) for _, _, person, _, action, subject, *_ in reversed(rows)]


def told(folder: Path) -> None:
    """What the audit holds of it, after the first two, which somebody without a name in the list did."""
    bo, lan, new = "Nguyễn Văn Bộ", "Lan", "Trần Thị Lan"
    assert audited(folder)[1:] == [
        (audited(folder)[0][0], "person.added", f"person:{bo}"),
        (bo, "person.added", f"person:{lan}"),
        (lan, "person.changed", f"person:{bo}"),
        (lan, "person.changed", f"person:{new}"),
        (new, "person.left", f"person:{bo}"),
        (new, "person.changed", f"person:{bo}"),
        (new, "site.renamed", "site:xa"),
        (new, "device.added", "device:den-1"),
        (new, "device.added", "device:den-2"),
    ]


async def test_without_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say = Teller(tmp_path, 0)
    await people(say, monkeypatch)
    await changes(say, tmp_path)
    told(tmp_path)


async def test_beside_a_running_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(settings(tmp_path, free_port())) as port:
        say = Teller(tmp_path, port)
        await people(say, monkeypatch)
        await changes(say, tmp_path)
    told(tmp_path)


async def test_people_of_a_registry_file_stand_in_the_audit_once(tmp_path: Path) -> None:
    say, file = Teller(tmp_path, 0), tmp_path / "registry.json"
    row = {"name": "Lan", "role": "security", "phone": "", "site": ""}
    file.write_text(
        json.dumps({"sites": [], "placings": [], "devices": [], "people": [row, row | {"name": "Bộ"}]})
    )
    for _ in range(2):
        assert (await say("import", str(file), "--who", "An"))[::2] == (0, "")
    assert audited(tmp_path) == [("An", "person.added", "person:Lan"), ("An", "person.added", "person:Bộ")]
