"""The ZIP medium (PS3.12 V)."""
