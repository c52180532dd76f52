"""The workflows, each a short list of steps."""
