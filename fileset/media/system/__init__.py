"""Calls of the operating system that the media need: files, folders, file systems and threads."""
