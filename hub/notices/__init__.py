"""Notices: what boards say, who said so, and the proof that they did."""
