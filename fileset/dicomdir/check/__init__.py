"""Rules for the DICOMDIR itself: structure, keys, values and references of its records. Pure."""
