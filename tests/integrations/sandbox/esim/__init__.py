"""The ES2+ sandbox over real mutual TLS."""
