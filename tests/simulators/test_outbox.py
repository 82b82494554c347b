from __future__ import annotations

import json

from simulators.outbox import PLAIN_ROOM, Message, Outbox


def message(n: int, *, retain: bool = False) -> Message:
    return Message("t", {"seq": n}, retain)


def drain(box: Outbox) -> list[dict[str, object]]:
    taken = []
    while (m := box.take()) is not None:
        taken.append(json.loads(m.payload()))
    return taken


def test_fresh_messages_go_before_those_that_waited() -> None:
    box = Outbox(buffers=True)
    box.put(message(1), up=False)
    box.put(message(2), up=False)
    box.put(message(3), up=True)
    assert drain(box) == [{"seq": 3}, {"seq": 1, "late": True}, {"seq": 2, "late": True}]


def test_only_a_gateway_says_that_it_is_late() -> None:
    box = Outbox(buffers=False)
    box.put(message(1), up=False)
    assert drain(box) == [{"seq": 1}]


def test_what_was_not_acknowledged_comes_back_but_no_birth() -> None:
    box = Outbox(buffers=True)
    box.put(message(3), up=True)
    box.put_back([message(1, retain=True), message(2)])
    assert drain(box) == [{"seq": 2, "late": True}, {"seq": 3, "late": True}]


def test_a_plain_device_keeps_the_newest_only() -> None:
    box = Outbox(buffers=False)
    for n in range(PLAIN_ROOM + 5):
        box.put(message(n), up=False)
    assert box.waiting == PLAIN_ROOM
    assert drain(box)[0] == {"seq": 5}


def test_memory_is_lost_with_power() -> None:
    box = Outbox(buffers=True)
    box.put(message(1), up=False)
    box.forget()
    assert drain(box) == []


def test_garbled_bytes_stay_as_they_are() -> None:
    broken = Message("t", b"\xff{")
    assert broken.late().payload() == broken.payload() == b"\xff{"
