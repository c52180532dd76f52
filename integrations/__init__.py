"""Clients of the outside systems, one folder a system. Ground floor: knows nothing of the application."""
