"""The steps of provisioning an order, one file a step; ``plan.py`` is what they share (rules §6)."""
