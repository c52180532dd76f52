"""eSIM profiles: the provider interface, the ES2+ adapter with its call-back listener, activation codes, stock files."""
