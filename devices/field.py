"""Fields: what a kind of device can say, self-describing so that wire, rules, pages and docs read one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldType = Literal["number", "integer", "flag", "codes", "hash"]

Value = float | int | bool | list[str] | str
"""What a field holds once read: number -> float, integer -> int, flag -> bool, codes -> list of str, hash -> str."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a device reports.

    `name` carries its unit as suffix (`battery_v`); `low` and `high` are inclusive and in that unit;
    `label` is the English text that people read (its Vietnamese is in the web's catalogue).
    `chart` says that the device page draws it.
    """

    name: str
    type: FieldType
    label: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    chart: bool = False


def number(name: str, label: str, unit: str, low: float, high: float, *, chart: bool = False) -> Field:
    """A measured number in `unit`, from `low` to `high` inclusive."""
    return Field(name, "number", label, unit, low, high, chart)


def integer(name: str, label: str, unit: str, low: int, high: int, *, chart: bool = False) -> Field:
    """A whole number (a count) in `unit`, from `low` to `high` inclusive."""
    return Field(name, "integer", label, unit, low, high, chart)


def flag(name: str, label: str) -> Field:
    """True or false."""
    return Field(name, "flag", label)


def codes(name: str, label: str) -> Field:
    """A list of at most 32 codes of at most 40 characters each; empty means none is active."""
    return Field(name, "codes", label)


def hash_(name: str, label: str) -> Field:
    """A sha256 in 64 hex digits, or nothing. It says what is the case now: no history is kept of it."""
    return Field(name, "hash", label)
