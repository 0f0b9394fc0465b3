"""Read and write a DICOMDIR (PS3.10 8.6, PS3.3 F.3). Pure: bytes in, bytes out."""
