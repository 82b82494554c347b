"""Frames: what a notice looks like on boards of a profile, light by light. Pure: the same content, the same pixels."""

from __future__ import annotations

from hub.frames.content import Content, Frame, Trouble, Unfit
from hub.frames.render import render

__all__ = ["Content", "Frame", "Trouble", "Unfit", "render"]
