"""The pretend field: simulated devices with their network faces."""
