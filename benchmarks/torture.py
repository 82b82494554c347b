"""Torture: kill the hub and restart the broker under load, then look for anything lost, told twice or wrong.

600 devices (SECONDS= below 300 takes fewer of everything, SEED= another order), a connection each with will and
birth, publish 1,000 telemetry messages a second at QoS 1 from a process of their own. Half a second after a restart
of the broker they are back and send again what was not acknowledged. The ledger holds every (device, boot, seq)
whose PUBACK the publisher saw. Meanwhile devices break and are mended, 30 fall silent for good, 100 reboot into
1970 while the hub listens and 100 while it is dead (new boot, `ts` near 0, nothing in flight). Then, in a seeded
order:

- 20 SIGKILLs of the hub: 11 between commit and acknowledgement (failpoint after_commit:n), 5 between receipt and
  commit (before_commit:n), 4 at any moment; half of the n are so small that they fall into the catching up;
- 3 orderly restarts of the broker: with the hub alive; with the hub dead; and with the session lost (stopped, its
  persistence file deleted, started). What is published between such a broker's start and the hub's next SUBSCRIBE
  is lost by MQTT's design, whoever the subscriber is, and so is what was queued; so for this one restart the
  publishers pause before (everything acknowledged by them and by the hub) and until the hub is ready again;
- a backlog of 100,000 messages, published as fast as the broker takes them while the hub is dead.

At the end all devices go on calmly until every timer of a rule has run out; the states are read from the API; the
hub is stopped. (Five minutes after the first reboot into 1970, for that long such a clock may be wrong untold.)

Figures: `lost` (in the ledger, not in the journal); `duplicated` (identities twice in the journal + transitions
that do not go on where the one before ended + alerts of one device and rule that overlap or repeat a generation +
alerts that opened more often than in the replay, those left out whose number depends on when the hub was deaf:
unstable, offline, clock-wrong); `wrong_state` (devices whose health, last values or open alerts
differ from those of a fault-free replay of the same messages, at the times they were sent, through the hub's own
pure code); `false_offline` (devices that never were silent and were told offline). `redelivered` counts messages
that the broker delivered again after the hub had committed them: the hub's own outcome `duplicate` as scraped from
/metrics five times a second, the last scrape of each life, less what publishers sent twice themselves. What came
twice after the last scrape before a kill is not counted, so it is a lower bound; at 1,000 or less the run is `void`.

Last, a phase of its own: with the hub dead, messages are published until mosquitto has saved itself and 10 s more
(it saves every 30 s), and it is SIGKILLed. What it had acknowledged and forgot is `lost_on_broker_kill` of
`published_before_broker_kill`: reported, not asserted.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from benchmarks import ledger as books
from benchmarks.stage import Stage, fleet, load, wait
from benchmarks.torture_field import Field, Ledger

if TYPE_CHECKING:
    from collections import Counter

AFTER, BEFORE, RANDOM = "after_commit", "before_commit", "random"
CLOCK_WRONG_S = 300.0
MARGIN_S = 25.0
WITHOUT_REPLAY = ("unstable", "offline", "clock-wrong")
"""Rules whose openings depend on when the hub was deaf; how often they open is not compared, what is open is."""


@dataclass(frozen=True)
class Plan:
    """How hard it is."""

    devices: int = 600
    realms: int = 20
    rate: float = 1000
    after: int = 10
    """And one more in the backlog."""
    before: int = 5
    random: int = 2
    """And two more, before a restart of the broker and before the backlog."""
    reboots: int = 100
    """Each of two times."""
    silent: int = 30
    backlog: int = 100_000
    quiet_s: float = 100
    interval_s: float = 10
    restarts: bool = True
    broker_kill: bool = True
    seed: int = 1
    full: bool = True


class Lives(NamedTuple):
    """What became of a hub's messages, over all its lives."""

    duplicates: int
    lives: int


class Scraper:
    """Reads /metrics of whatever hub is there, and keeps the last counts of each life."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._found: dict[str, int] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            self.look()

    def look(self) -> None:
        """Once."""
        try:
            text = self._stage.get("/metrics", 5).decode()
        except OSError:
            return
        life = re.search(r"^village_hub_start_time_seconds (\S+)$", text, re.MULTILINE)
        count = re.search(r'^village_hub_messages_total\{outcome="duplicate"\} (\S+)$', text, re.MULTILINE)
        if life is not None:
            self._found[life[1]] = int(float(count[1])) if count is not None else 0

    def sum(self) -> Lives:
        """Over all lives that were seen."""
        found = list(self._found.values())
        return Lives(sum(found), len(found))


class Torture:
    """One run."""

    def __init__(self, stage: Stage, field: Field, plan: Plan) -> None:
        self.stage, self.field, self.plan = stage, field, plan
        self.rng = random.Random(plan.seed)
        self.kills: dict[str, int] = {AFTER: 0, BEFORE: 0, RANDOM: 0}
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """A progress line."""
        print(f"{time.monotonic() - self._start:6.1f} s  {text}", flush=True)

    def run(self) -> tuple[Ledger, dict[str, books.State], int]:
        """Everything up to the orderly stop; the ledger, the hub's states and when they were read."""
        plan, stage, field = self.plan, self.stage, self.field
        stage.start_broker()
        stage.start_hub()
        stage.wait_ready()
        self.say(f"{field.ask('open')} devices connected")
        field.ask("pace", plan.rate)
        time.sleep(1)
        self.stir()
        field.ask("kill", plan.silent)
        first_reboot = time.time()
        self.say(f"{field.ask('reboot', plan.reboots)} devices rebooted into 1970, the hub listening")
        time.sleep(1)
        self.killings()
        if plan.restarts:
            self.restarts()
        second_reboot = self.backlog()
        self.calm(first_reboot, second_reboot)
        stage.wait_ready()
        states, at = self.states()
        found = field.ledger(stage.folder / "ledger")
        code = stage.stop_hub()
        self.say(
            f"the hub was stopped (exit code {code}); {len(found.acknowledged)} messages were acknowledged"
        )
        return found, states, at

    def stir(self) -> None:
        """Break and mend some devices."""
        share = max(1, self.plan.devices // 60)
        self.field.ask("stir", share, share)

    # --- killing ----------------------------------------------------------------------------------------------

    def killings(self) -> None:
        """Kill the hub again and again; it is alive before and after."""
        plan = self.plan
        kinds = [AFTER] * plan.after + [BEFORE] * plan.before + [RANDOM] * plan.random
        self.rng.shuffle(kinds)
        self.stage.stop_hub(kill=True)  # not counted: from here on it starts with failpoints
        for kind in kinds:
            time.sleep(self.rng.uniform(0.3, 2.0))
            self.stir()
            self.kill(kind)
        self.stage.start_hub()
        self.stage.wait_ready()

    def kill(self, kind: str) -> None:
        """Start a dead hub and have it die."""
        if kind == RANDOM:
            self.stage.start_hub()
            self.stage.wait_ready()
            time.sleep(self.rng.uniform(0, 2))
            self.stage.stop_hub(kill=True)
            self.kills[RANDOM] += 1
            self.say("killed at any moment")
            return
        count = self.rng.choice((self.rng.randint(3, 10), self.rng.randint(40, 150)))
        self.stage.start_hub(f"{kind}:{count}")
        code = self.stage.hub_died(60)
        if code != -signal.SIGKILL:
            raise RuntimeError(f"the hub ended with {code} before failpoint {kind}:{count}")
        self.kills[kind] += 1
        self.say(f"killed at {kind}:{count}")

    # --- the broker -------------------------------------------------------------------------------------------

    def restarts(self) -> None:
        """Three orderly restarts; the hub is alive before and after."""
        stage, field, rng = self.stage, self.field, self.rng
        time.sleep(2)
        self.restart_broker(rng.uniform(0.5, 2))
        stage.wait_ready()
        field.ask("drained")
        self.say("the broker was restarted with the hub alive")
        time.sleep(2)
        stage.stop_hub(kill=True)
        self.kills[RANDOM] += 1
        time.sleep(1)
        self.stir()
        self.restart_broker(rng.uniform(0.5, 2))
        field.ask("drained")
        time.sleep(2)
        stage.start_hub()
        stage.wait_ready()
        self.say("the broker was restarted with the hub dead")
        time.sleep(2)
        self.lose_session()

    def restart_broker(self, away_s: float) -> None:
        """SIGTERM, a while, start."""
        self.stage.stop_broker()
        time.sleep(away_s)
        self.stage.start_broker()

    def lose_session(self) -> None:
        """Restart a broker that forgot everything, while nobody publishes."""
        stage, field = self.stage, self.field
        field.ask("pace", 0)
        acknowledged = field.ask("drained")
        try:
            wait(lambda: self.stored() >= acknowledged, 20, "the hub to store everything", 0.2)
        except TimeoutError:
            self.say(f"{acknowledged - self.stored()} messages are missing already")
        time.sleep(1)  # until it has acknowledged what it stored
        stage.stop_broker()
        stage.forget_sessions()
        stage.start_broker()
        wait(lambda: not stage.ready(), 10, "the hub to notice")
        stage.wait_ready()
        field.ask("drained")
        field.ask("pace", self.plan.rate)
        self.say("the broker was restarted and had forgotten the session")

    def stored(self) -> int:
        """Different messages in the journal."""
        return len(set(books.stored_messages(self.stage.database)))

    # --- the backlog, and the end -----------------------------------------------------------------------------

    def backlog(self) -> float:
        """Publish much while the hub is dead, kill it in the middle of catching up, let it catch up.

        Returns when devices rebooted meanwhile.
        """
        stage, field, plan = self.stage, self.field, self.plan
        stage.stop_hub(kill=True)
        self.kills[RANDOM] += 1
        self.stir()
        second_reboot = time.time()
        rebooted = field.ask("reboot", plan.reboots)
        self.say(f"{rebooted} devices rebooted into 1970, the hub dead")
        rate = field.ask("burst", plan.backlog)
        self.say(f"a backlog of {plan.backlog} messages, {rate:.0f} a second")
        stage.start_hub(f"{AFTER}:{self.rng.randint(10, 40)}")
        if stage.hub_died(60) != -signal.SIGKILL:
            raise RuntimeError("the hub did not die in the backlog")
        self.kills[AFTER] += 1
        at = stage.start_hub()
        self.say(f"caught up with it in {stage.wait_ready(300) - at:.1f} s")
        return second_reboot

    def calm(self, first_reboot: float, second_reboot: float) -> None:
        """Let every timer run out, none of them near its end: a clock in 1970 is told after five minutes."""
        plan = self.plan
        self.field.ask("pace", plan.devices / plan.interval_s * 3)
        end = time.time() + plan.quiet_s
        if plan.full:
            end = max(end, first_reboot + CLOCK_WRONG_S + MARGIN_S)
            if abs(end - second_reboot - CLOCK_WRONG_S) < MARGIN_S:
                end = second_reboot + CLOCK_WRONG_S + MARGIN_S
        self.say(f"calm for {end - time.time():.0f} s")
        time.sleep(max(0.0, end - time.time()))
        self.field.ask("pace", 0)
        self.field.ask("drained")
        time.sleep(1)

    def states(self) -> tuple[dict[str, books.State], int]:
        """What the API says of every device, and the hub's time of it."""
        found: dict[str, books.State] = {}
        open_alerts: dict[str, set[str]] = {}
        for alert in books.stored_alerts(self.stage.database):
            if alert.closed_at is None:
                open_alerts.setdefault(alert.device, set()).add(alert.rule)
        at = 0
        for row in rows(self.plan):
            name = row["name"]
            said: dict[str, Any] = self.stage.get_json(f"/api/devices/{name}")
            at = said["now"]
            found[name] = books.State(said["health"], said["values"], frozenset(open_alerts.get(name, ())))
        return found, at


def rows(plan: Plan) -> list[dict[str, Any]]:
    """The registry's device rows."""
    every = {"interval_s": plan.interval_s, "lifecycle": "active"}
    return fleet(plan.devices, plan.realms, gateways=False, **every)


def judge(stage: Stage, found: Ledger, states: dict[str, books.State], at: int) -> dict[str, Any]:
    """Hold the stopped hub's database against the ledger."""
    missing = books.lost(found.acknowledged, books.stored_messages(stage.database))
    doubles = books.doubles(stage.database)
    wanted, opened = books.replay(stage.folder, found.sent, at)
    del wanted["hub"]
    wrong = books.differing(states, wanted)
    alerts = books.stored_alerts(stage.database)
    beyond = _beyond(alerts, opened)
    false_offline = {
        t.device
        for t in books.stored_transitions(stage.database)
        if t.after == "offline" and t.device not in found.dead
    }
    for name, text in list(wrong.items())[:10]:
        print(f"wrong: {name}: {text}", flush=True)
    for who in sorted(missing)[:10]:
        print(f"lost: {who}", flush=True)
    return {
        "lost": len(missing),
        "duplicated": doubles.total + beyond,
        "wrong_state": len(wrong),
        "false_offline": len(false_offline),
        "duplicated_messages": doubles.messages,
        "duplicated_transitions": doubles.transitions,
        "duplicated_alerts": doubles.alerts + beyond,
        "acknowledged": len(found.acknowledged),
        "alerts": len(alerts),
        "session_loss_told": any(a.rule == "hub-session-lost" for a in alerts),
    }


def _beyond(alerts: list[books.AlertRow], opened: Counter[tuple[str, str]]) -> int:
    """Alerts that opened more often than in the replay."""
    counted: dict[tuple[str, str], int] = {}
    for a in alerts:
        if a.device != "hub" and a.rule not in WITHOUT_REPLAY:
            counted[a.device, a.rule] = counted.get((a.device, a.rule), 0) + 1
    return sum(max(0, n - opened[key]) for key, n in counted.items())


def kill_broker(stage: Stage, field: Field, plan: Plan, before: Ledger) -> dict[str, Any]:
    """The last phase: how much a broker forgets that is killed while it holds messages for a dead hub."""
    stage.start_hub()
    stage.wait_ready()
    field.ask("pace", plan.rate)
    time.sleep(1)
    stage.stop_hub(kill=True)
    saved = stage.broker_saved_at()
    wait(lambda: stage.broker_saved_at() != saved, 90, "the broker to save itself", 0.1)
    time.sleep(10)
    field.ask("pace", 0)
    field.ask("drained")
    middle = field.ledger(stage.folder / "ledger")
    stage.stop_broker(kill=True)
    stage.start_broker()
    field.ask("drained")
    stage.start_hub()
    stage.wait_ready()
    time.sleep(1)
    stage.stop_hub()
    published = middle.acknowledged - before.acknowledged
    stored = books.stored_messages(stage.database)
    return {
        "lost_on_broker_kill": len(books.lost(published, stored)),
        "published_before_broker_kill": len(published),
        "duplicated_after_broker_kill": books.doubled_messages(stored),
    }


def torture(plan: Plan) -> dict[str, Any]:
    """Run it all; the figures."""
    start, loads = time.monotonic(), [load()]
    with Stage() as stage:
        stage.register(rows(plan), plan.realms)
        with Field(stage.port, rows(plan), plan.seed) as field, Scraper(stage) as scraper:
            run = Torture(stage, field, plan)
            found, states, at = run.run()
            lives = scraper.sum()
            figures = judge(stage, found, states, at)
            redelivered = max(0, lives.duplicates - found.resent)
            figures |= {"redelivered": redelivered, "resent_by_publishers": found.resent}
            figures |= {f"kills_{kind}": n for kind, n in run.kills.items()}
            figures |= {
                "rebooted": len(found.rebooted),
                "silenced": len(found.dead),
                "lives_scraped": lives.lives,
            }
            if plan.broker_kill:
                run.say("and now the broker is killed")
                figures |= kill_broker(stage, field, plan, found)
    loads.append(load())
    figures |= {"void": redelivered <= 1000, "seconds": round(time.monotonic() - start), "load": loads}
    if not plan.full:
        figures["quick"] = True
    return figures


def main() -> None:
    """Run, and print the figures."""
    quick = float(os.environ.get("SECONDS", "900")) < 300
    seed = int(os.environ.get("SEED", "1"))
    plan = Plan(seed=seed)
    if quick:
        plan = Plan(
            devices=100, realms=5, rate=500, after=3, before=2, random=1, reboots=20, silent=5, backlog=20_000,
            quiet_s=75, seed=seed, full=False,
        )  # fmt: skip
    figures = torture(plan)
    print(json.dumps(figures))
    wrong = any(figures[name] for name in ("lost", "duplicated", "wrong_state", "false_offline"))
    if wrong or (plan.full and figures["void"]):
        sys.exit(1)


if __name__ == "__main__":
    main()
