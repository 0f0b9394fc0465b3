"""Secure DICOM Files (PS3.10 7.4): the Basic DICOM Media Security Profile of PS3.15 D.1.

Every DICOM file and the DICOMDIR is an envelope of the Cryptographic Message Syntax (RFC 5652): encrypted, with a digest or
signatures inside. `Security` holds keys and passwords, `SecureFormat` is a kind of medium that encrypts and decrypts.
"""
