"""The command line: one file a group of verbs. What a verb needs is imported when it runs: ``--help`` must be quick."""
