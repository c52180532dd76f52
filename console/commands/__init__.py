"""What people may do: one table, used by daemon, command line and screens alike. Pure: no store, no engine, no client."""
