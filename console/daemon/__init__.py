"""The daemon: puts the parts together and runs them; the only place that does (architecture §3)."""
