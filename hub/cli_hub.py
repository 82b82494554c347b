"""The hub of a command: a running one over its API, or the data folder itself. What is said is the same."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from devices.person import By
from hub.cli_ask import ask, fail, me, settings_of, spoken
from hub.office import office
from hub.registry import refusal
from hub.settings import BadSettings
from hub.store.writer import StoreBroken
from hub.views import Refused
from hub.web import words
from hub.web.language import language

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hub.office import Office
    from hub.registry_ops import Operation
    from hub.settings import Settings


def sentence(error: Refused) -> str:
    """Why something was refused, in the terminal's language."""
    return words.refused(language(spoken()), error)


class Hub:
    """The registry, wherever it is: a running hub over its API, or the data folder itself."""

    def __init__(self, settings: Settings, who: str, office: Office | None) -> None:
        self._settings, self.office = settings, office
        self.by = By(who or me(), "command line")

    def carry_out(self, operation: Operation) -> dict[str, Any]:
        """Have a change made. Ends the command with a sentence where it is refused."""
        if self.office is None:
            done: dict[str, Any] = self.ask(
                f"/api/registry/{operation.path}", operation.model_dump(mode="json")
            )
            found: dict[str, Any] = done["done"]
            return found
        try:
            return self.office.carry_out(operation, self.by)
        except Refused as e:
            fail(sentence(e))

    def people(self) -> list[dict[str, Any]]:
        """Everybody as the API tells them, the active ones first."""
        if self.office is None:
            found: list[dict[str, Any]] = self.ask("/api/people")["people"]
            return found
        return [asdict(p) for p in self.office.people.all()]

    def person(self, number: int, said: dict[str, Any]) -> dict[str, Any]:
        """Have a person put into the list (`number` 0), or changed. Ends the command where it is refused."""
        if self.office is None:
            written: dict[str, Any] = self.ask(f"/api/people/{number}" if number else "/api/people", said)
            return written
        try:
            return asdict(self.office.person(number, said, self.by))
        except Refused as e:
            fail(sentence(e))

    def past(self, name: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """A device's changes (ms, person, address, action) and hardware (serial, model, since, until)."""
        if self.office is not None:
            return self.office.past(name)
        found = self.ask(f"/api/registry/devices/{name}")
        changes = [tuple(c[k] for k in ("at", "person", "address", "action")) for c in found["changes"]]
        return changes, [
            tuple(h[k] for k in ("serial", "model", "since", "until")) for h in found["hardware"]
        ]

    def ask(self, path: str, said: dict[str, Any] | None = None) -> Any:
        """What the running hub answers. Ends the command with its sentence where it refuses."""
        return ask(self._settings, path, said, who=self.by.person)


@contextmanager
def hub(path: Path | None, who: str = "") -> Iterator[Hub]:
    """The hub that the settings name. Ends the command where its folder cannot be used."""
    settings = settings_of(path)
    try:
        with office(settings) as found:
            yield Hub(settings, who, found)
    except (StoreBroken, BadSettings) as e:
        fail(e)
    except OSError as e:
        fail(f"cannot write the broker's users: {e}")


def made(operation: type[Any], /, **said: Any) -> Any:
    """An operation of what was said, None being nothing. Ends the command where that cannot be."""
    try:
        return operation(**{k: v for k, v in said.items() if v is not None})
    except ValidationError as e:
        fail(" ".join(sentence(refusal(x)) for x in e.errors(include_url=False, include_input=False)))
