"""An SM-DP+ on loopback: ES2+ over mutual TLS, and phones that take profiles from it (facts/esim.md §1, §6)."""
