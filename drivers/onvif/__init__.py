"""Cameras over ONVIF and RTSP: everything that talks to one camera over the network."""

from __future__ import annotations

from drivers.onvif.client import Camera, Information
from drivers.onvif.clock import Clock
from drivers.onvif.errors import CameraError, Code
from drivers.onvif.profile import Profile
from drivers.onvif.target import Allowed, Cost, Target
from drivers.onvif.wsdl import Service

__all__ = [
    "Allowed",
    "Camera",
    "CameraError",
    "Clock",
    "Code",
    "Cost",
    "Information",
    "Profile",
    "Service",
    "Target",
]
