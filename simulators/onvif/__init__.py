"""Simulated cameras that are asked: ONVIF over HTTP, pictures, RTSP. Own code, from the specification alone."""
