"""PS3.10 8.6, PS3.3 F.3: how a DICOMDIR is laid out. Pure: bytes in, bytes out."""
