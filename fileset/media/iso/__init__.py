"""The ISO medium: ISO 9660 with Joliet, and UDF (PS3.12 F and P)."""
