"""The client's side of the API: calls, feed, read model and filter grammar. Used by the screens and the command line."""
