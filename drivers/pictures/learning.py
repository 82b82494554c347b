"""How a reference is learnt, and how a person sets it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.pictures.limits import (
    CLEARER,
    IN_PLACE,
    LEARNT,
    RENEWED_MS,
    VIEWS,
    VIEWS_LEARNT,
    YOUNG,
)
from drivers.pictures.measure import Seen, look_at
from drivers.pictures.reference import Look, Match, Reference, View, compare, daylight, first, kinds_of, learn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.pictures.frame import Frame
    from drivers.pictures.reference import Kind


def reference_of(frames: Sequence[tuple[Frame, int]]) -> Reference:
    """What a person shows as right, each taken at a time (ms): those that look at the same become one view."""
    reference = Reference((), by_person=True)
    for frame, at in frames:
        seen = look_at(frame)
        kind = kinds_of(seen.measures, at)[0]
        i, match = _nearest(reference, seen)
        if match is None or (match.agreement < IN_PLACE and match.kind == kind):
            reference = replace(reference, views=(*reference.views, View((first(seen, kind, certain=True),))))
        else:
            reference = _added(reference, i, seen, kind, certain=True)
    return reference


def learnt(
    reference: Reference, seen: Seen, view: int | None, match: Match | None, at: int, *, ptz: bool
) -> Reference:
    """The reference with one more picture, of `at` (ms), that shows no fault; `view` and `match`: what it agreed with.

    A look that has its share of pictures is renewed once in two hours only: what stands there for a day is not learnt.

    A picture that belongs to no view adds one where it may. A look that is begun anew each time (pictures that do not
    agree with each other) never comes to count. None is begun in twilight, when a lamp may still light the view.
    """
    kind = kinds_of(seen.measures, at)[0]
    known = any(k.kind == kind and k.pictures >= LEARNT for v in reference.views for k in v.looks)
    if not known and not any(daylight(at)):
        return reference
    if view is not None and match is not None and match.agreement >= IN_PLACE:
        return _renewed(reference, view, seen, kind, at, match)
    return _added_to_nearest(reference, seen, kind, at, ptz=ptz)


def _added_to_nearest(reference: Reference, seen: Seen, kind: Kind, at: int, *, ptz: bool) -> Reference:
    i, nearest = _nearest(reference, seen)
    if nearest is None:
        return reference if reference.views else replace(reference, views=(View((first(seen, kind),)),))
    if nearest.agreement >= IN_PLACE:
        return _renewed(reference, i, seen, kind, at, nearest)
    if ptz and not reference.by_person and len(reference.views) < VIEWS and young(reference):
        return replace(reference, views=(*reference.views, View((first(seen, kind),))))
    look = reference.views[i].look(kind)
    empty = look is not None and look.empty()
    if look is None or look.pictures < LEARNT or empty:
        return _added(reference, i, seen, kind, anew=not empty)
    return reference


def _renewed(reference: Reference, i: int, seen: Seen, kind: Kind, at: int, match: Match) -> Reference:
    """Learnt where its look is young, due, or was learnt in fog: then a clear picture shows more than it has."""
    look = reference.views[i].look(kind)
    clearer = match.contrast is not None and match.contrast > CLEARER
    if look is not None and look.pictures >= YOUNG and not clearer:
        if 0 <= at - look.at < RENEWED_MS:
            return reference
        seen_at = replace(look, at=at)
        views = reference.views
        looks = tuple(seen_at if k is look else k for k in views[i].looks)
        reference = replace(reference, views=(*views[:i], View(looks), *views[i + 1 :]))
    return _added(reference, i, seen, kind)


def young(reference: Reference) -> bool:
    """Whether a PTZ camera may still add views by itself."""
    return sum(k.pictures for v in reference.views for k in v.looks) < VIEWS_LEARNT


def _nearest(reference: Reference, seen: Seen) -> tuple[int, Match | None]:
    """The view, learnt or not yet, that a picture agrees with best."""
    found: tuple[int, Match | None] = (0, None)
    for i, view in enumerate(reference.views):
        for look in view.looks:
            match = compare(look, seen)
            if match is not None and (found[1] is None or match.agreement > found[1].agreement):
                found = i, match
    return found


def _added(
    reference: Reference, i: int, seen: Seen, kind: Kind, *, certain: bool = False, anew: bool = False
) -> Reference:
    view = reference.views[i]
    old = view.look(kind)
    fits = old is not None and (old.rows, old.columns) == seen.field.shape
    new: Look = first(seen, kind, certain=certain) if old is None or anew or not fits else learn(old, seen)
    looks = (*(k for k in view.looks if k.kind != kind), new)
    views = (*reference.views[:i], replace(view, looks=looks), *reference.views[i + 1 :])
    return replace(reference, views=views)
