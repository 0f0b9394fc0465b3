"""Check the DICOMDIR itself: its structure, keys, names and references."""
