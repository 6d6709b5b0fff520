"""Questions to a table of features: how it changes with time, by how much, and whether more here than there."""
