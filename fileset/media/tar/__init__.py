"""Tar archives and compressed files as read-only media."""
