"""Read a DICOMDIR: bytes -> records, linked as far as the damage allows."""
