"""One module a measurement, run by `make bench NAME=module`."""
