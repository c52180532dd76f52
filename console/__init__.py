"""Portal Console: the application (engine, API, command line, screens)."""

__version__ = "0.1.0"
