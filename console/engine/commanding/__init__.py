"""What people do to orders: planned first, submitted with actor and reason, singly or many, each with its audit pair."""
