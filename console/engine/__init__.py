"""The durable engine: what a run, a step, a call and a failure are, and how each is carried through to its end.

It knows no screen and no web framework. Start reading at ``runner.py`` (one run) and ``calls.py`` (one outside call).
"""
