"""Facts: what the hub itself knows of every device, beside what the device reports. Rules may ask them like fields."""

from __future__ import annotations

from devices.field import flag, integer, number

FACTS = (
    flag("silent", "Silent for longer than its timeout"),
    flag("gone", "Connection lost, as its will says"),
    flag("unstable", "Changing state again and again"),
    flag("copied", "Its password is used from two places"),
    flag("dark", "Dark at its site"),
    flag("program_on", "To be lit by its program"),
    flag("program_late", "Its program is not applied in time"),
    flag("board_late", "Its notices are not acknowledged in time"),
    flag("board_wrong", "Shows what it should not"),
    flag("board_lied", "Reports a frame that nobody previewed"),
    integer("garbled", "Garbled messages in a row", "", 0, 2**53),
    number("clock_drift_s", "Clock drift", "s", -1e11, 1e11),
)
"""`copied`: live readings of two boots took turns for a while.
`dark` holds from 15 min after sunset to 15 min before sunrise at the device's site, at the reading's time.
`program_on`: so says the program that it applied (where it does not report that: the one asked of it).
`program_late`: what is asked of it is not applied after three of its intervals, or it said that it cannot;
not known of a device that never says what it applied.
`board_late`: its playlist is not acknowledged after two minutes, or it said that it cannot. `board_wrong`: what it
reports to show is not what may stand there by the playlist that it applied; not known before both are.
`board_lied`: its last receipt of a notice names a frame that was not previewed for it, and the notice is not over."""
