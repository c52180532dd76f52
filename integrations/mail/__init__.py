"""Mail to customers: what a mail is, how it is rendered, how it is sent."""
