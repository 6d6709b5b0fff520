"""Features of M-waves and of voluntary EMG: one family per file, each with its standard error and reasons."""
