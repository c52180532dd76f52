"""The console's widgets, one idea a file. They draw what they are given and post messages; they never ask the daemon."""
