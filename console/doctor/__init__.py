"""``portal doctor``: what is wrong with this install, checked from the ground up; each check names what is missing."""
