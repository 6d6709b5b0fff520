"""Many recordings: which, each in its own process, resumable, with a log."""
