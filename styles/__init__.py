"""The screens' style sheets (.tcss), shipped as package data."""
