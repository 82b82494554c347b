"""Whether a camera's picture is fresh and good, from its JPEG alone. No I/O, no clock; docs/drivers.md tells how."""

from __future__ import annotations

from drivers.pictures.errors import PictureError
from drivers.pictures.evidence import CODES, Code
from drivers.pictures.frame import Frame, decode
from drivers.pictures.judge import Finding, Memory, Verdict, judge
from drivers.pictures.learning import reference_of
from drivers.pictures.measure import Measures, look_at
from drivers.pictures.redact import Mask, fitted, masked, thumbnail
from drivers.pictures.reference import Match, Reference

__all__ = [
    "CODES",
    "Code",
    "Finding",
    "Frame",
    "Mask",
    "Match",
    "Measures",
    "Memory",
    "PictureError",
    "Reference",
    "Verdict",
    "decode",
    "fitted",
    "judge",
    "look_at",
    "masked",
    "reference_of",
    "thumbnail",
]
