"""A notice board as MQTT knows it here: like a camera, that it runs and since when; what it shows is another story."""

from simulators.camera import State, born, step

__all__ = ["State", "born", "step"]
