"""eSIM: checks, activation codes, stock files, the ES2+ adapter and its call-back listener."""
