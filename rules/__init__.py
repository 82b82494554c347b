"""The decisions: alerts, incidents, masks and routes, as pure functions."""
