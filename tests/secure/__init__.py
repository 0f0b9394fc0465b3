"""Secure DICOM Files (PS3.15 D.1)."""
