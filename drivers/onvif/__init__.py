"""Cameras over ONVIF and RTSP: everything that talks to one camera over the network."""

from __future__ import annotations

from drivers.onvif.client import Camera, Information
from drivers.onvif.clock import Clock
from drivers.onvif.default import DefaultLogin, default_of, is_default, show_once
from drivers.onvif.discovery import Found, find
from drivers.onvif.errors import CameraError, Code, NoConnection
from drivers.onvif.events import Alarm, Events
from drivers.onvif.login import most_in
from drivers.onvif.profile import Profile
from drivers.onvif.recording import Recording
from drivers.onvif.rtsp import Stream
from drivers.onvif.target import Allowed, Cost, Target
from drivers.onvif.wsdl import Service

__all__ = [
    "Alarm",
    "Allowed",
    "Camera",
    "CameraError",
    "Clock",
    "Code",
    "Cost",
    "DefaultLogin",
    "Events",
    "Found",
    "Information",
    "NoConnection",
    "Profile",
    "Recording",
    "Service",
    "Stream",
    "Target",
    "default_of",
    "find",
    "is_default",
    "most_in",
    "show_once",
]
