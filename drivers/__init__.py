"""How hardware talks: dialects, pollers, visitors and finders."""
