"""Profiles by their names."""

from __future__ import annotations

import pytest

from devices.signboard import USUAL, Colours, Profile, profile


@pytest.mark.parametrize("one", USUAL, ids=lambda p: p.name)
def test_a_usual_profile_is_found_by_its_name(one: Profile) -> None:
    assert profile(one.name) == one


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("led-64x32-1", Profile(True, 64, 32, Colours.ONE)),
        ("led-96x48-2", Profile(True, 96, 48, Colours.TWO)),
        ("led-1024x512-full", Profile(True, 1024, 512, Colours.FULL)),
        ("screen-1080x1920", Profile(False, 1080, 1920, Colours.FULL)),
        ("led-31x16-1", None),
        ("led-32x15-1", None),
        ("led-1025x16-1", None),
        ("led-64x513-1", None),
        ("led-064x32-1", None),
        ("led-64x32", None),
        ("led-64x32-3", None),
        ("screen-479x640", None),
        ("screen-1920x1921", None),
        ("screen-1920x1200", None),
        ("", None),
        ("Led-64x32-1", None),
    ],
)
def test_a_profile_says_its_size_and_colours_or_is_none(name: str, found: Profile | None) -> None:
    assert profile(name) == found
