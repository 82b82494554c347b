"""The vocabulary of the village: what things are called and what they say. No I/O, no clock, no async."""
