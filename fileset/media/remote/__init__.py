"""Buckets and other remote folders as media, through fsspec (extra `remote`)."""
