"""PS3.12: where the bytes live. The only ring that touches the operating system."""
