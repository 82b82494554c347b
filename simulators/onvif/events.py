"""Events of a simulated camera: short subscriptions by pull-point, and what the lens tells of itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from simulators.onvif.message import Reply
from simulators.onvif.stamp import iso, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from simulators.onvif.camera import Camera
    from simulators.onvif.message import Request
    from simulators.onvif.soap import Ask

TOPICS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "GlobalSceneChange": frozenset({"covered", "turned"}),
        "ImageTooDark": frozenset({"black"}),
        "ImageTooBlurry": frozenset({"blurred"}),
        "ImageTooBright": frozenset({"overexposed"}),
        "SignalLoss": frozenset({"no_signal"}),
    }
)
"""What a camera tells, and the faults that it tells of."""

MOST = 5
"""Subscriptions that a camera keeps."""
LONGEST_S = 600.0
LONGEST_HOLD_S = 30.0


class Subscription:
    """`until` in true time. `wake`, where somebody waits, answers at once."""

    __slots__ = ("number", "told", "until", "wake")

    def __init__(self, number: int, until: float) -> None:
        self.number, self.until = number, until
        self.told: dict[str, bool] = {}  # nothing yet: each state is told once first
        self.wake: Callable[[], None] | None = None


class PullPoint:
    """The subscriptions of one camera."""

    __slots__ = ("_camera", "_kept", "_number")

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._kept: dict[int, Subscription] | None = None
        self._number = 0

    @property
    def kept(self) -> dict[int, Subscription]:
        """Those that have not ended."""
        now = self._camera.clock()
        self._kept = {n: s for n, s in (self._kept or {}).items() if s.until > now}
        return self._kept

    def create(self, seconds: float) -> Subscription | None:
        """A new one; None where it keeps as many as it can."""
        if len(kept := self.kept) >= MOST:
            return None
        self._number += 1
        kept[self._number] = Subscription(self._number, self._camera.clock() + seconds)
        return kept[self._number]

    def of(self, request: Request) -> Subscription | None:
        """The one whose address is asked."""
        number = request.path.partition("Idx=")[2].partition("&")[0]
        return self.kept.get(int(number)) if number.isdecimal() else None

    def end(self, subscription: Subscription) -> None:
        """Forgets it."""
        self.kept.pop(subscription.number, None)

    def wake(self) -> None:
        """Answers those who wait where there is something new."""
        for subscription in (self._kept or {}).values():
            if subscription.wake and self.news(subscription):
                subscription.wake()

    def news(self, subscription: Subscription) -> list[tuple[str, bool]]:
        """States that it has not been told."""
        faults = self._camera.faults
        states = {topic: bool(faults & tells) for topic, tells in TOPICS.items()}
        return [(t, is_so) for t, is_so in states.items() if subscription.told.get(t) != is_so]


def create(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001 - all actions are alike
    """CreatePullPointSubscription; its address is that of the camera with a number."""
    if camera.maker.events != "yes":
        return camera.fault(400, "Receiver", "ActionNotSupported", "No events")
    asked = seconds(ask.value("InitialTerminationTime"), 60.0)
    subscription = camera.events.create(min(asked, LONGEST_S))
    if subscription is None:
        return camera.fault(400, "Receiver", "Action", "Maximum number of subscriptions reached")
    address = f"http://{camera.announced()}:{camera.port}/onvif/subscription?Idx={subscription.number}"
    return (
        "<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference>"
        f"<wsa5:Address>{address}</wsa5:Address></tev:SubscriptionReference>{_times(camera, subscription, 'wsnt')}"
        "</tev:CreatePullPointSubscriptionResponse>"
    )


def pull(camera: Camera, ask: Ask, request: Request) -> str | Reply:
    """PullMessages: at once where there is news, else when there is some, or when its time is over."""
    found = camera.events.of(request)
    if found is None:
        return _gone(camera)
    if camera.events.news(found):
        return _messages(camera, found)
    hold = min(seconds(ask.value("Timeout"), 1.0), LONGEST_HOLD_S) + camera.maker.late_s
    return Reply(200, after_s=hold, hold=found, make=lambda: camera.say(_messages(camera, found)))


def renew(camera: Camera, ask: Ask, request: Request) -> str | Reply:
    """Renew."""
    found = camera.events.of(request)
    if found is None:
        return _gone(camera)
    found.until = camera.clock() + min(seconds(ask.value("TerminationTime"), 60.0), LONGEST_S)
    now, until = camera.now(), camera.now() + found.until - camera.clock()
    return (
        f"<wsnt:RenewResponse><wsnt:TerminationTime>{iso(until)}</wsnt:TerminationTime>"
        f"<wsnt:CurrentTime>{iso(now)}</wsnt:CurrentTime></wsnt:RenewResponse>"
    )


def unsubscribe(camera: Camera, ask: Ask, request: Request) -> str | Reply:  # noqa: ARG001
    """Unsubscribe."""
    found = camera.events.of(request)
    if found is None:
        return _gone(camera)
    camera.events.end(found)
    return "<wsnt:UnsubscribeResponse/>"


def _gone(camera: Camera) -> Reply:
    return camera.fault(400, "Sender", "InvalidArgVal", "The subscription does not exist")


def _times(camera: Camera, found: Subscription, prefix: str) -> str:
    left = found.until - camera.clock()
    return (
        f"<{prefix}:CurrentTime>{iso(camera.now())}</{prefix}:CurrentTime>"
        f"<{prefix}:TerminationTime>{iso(camera.now() + left)}</{prefix}:TerminationTime>"
    )


def _messages(camera: Camera, found: Subscription) -> str:
    rows = ""
    for topic, is_so in camera.events.news(found):
        how = "Changed" if topic in found.told else "Initialized"
        found.told[topic] = is_so
        rows += (
            '<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"tns1:VideoSource/{topic}{'' if topic == 'SignalLoss' else '/ImagingService'}</wsnt:Topic><wsnt:Message>"
            f'<tt:Message UtcTime="{iso(camera.now())}" PropertyOperation="{how}">'
            '<tt:Source><tt:SimpleItem Name="Source" Value="VS_1"/></tt:Source>'
            f'<tt:Data><tt:SimpleItem Name="State" Value="{str(is_so).lower()}"/></tt:Data></tt:Message>'
            "</wsnt:Message></wsnt:NotificationMessage>"
        )
    times = _times(camera, found, "tev")
    return f"<tev:PullMessagesResponse>{times}{rows}</tev:PullMessagesResponse>"
