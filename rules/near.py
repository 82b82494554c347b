"""The word that was probably meant."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """`, did you mean X?`, or nothing where nothing is near."""
    near = get_close_matches(word[:100], list(options), n=1)
    return f", did you mean `{near[0]}`?" if near else ""
