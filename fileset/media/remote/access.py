"""Call a remote file system; every failure becomes a `FilesetError`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from fileset.errors import FilesetError, MediumError, NotFoundError, RuleError, without_password

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://").match
"""A scheme of two letters or more: a single one is a drive of Windows."""


def is_url(path: str) -> bool:
    """Test whether a path is the URL of a remote folder, such as s3://bucket/prefix."""
    return _URL(path) is not None


@contextmanager
def failures(place: str) -> Iterator[None]:
    """Raise `MediumError`, with `place`, for every exception of a remote file system.

    fsspec and its drivers raise OSError, the errors of their own libraries, and any other exception.
    """
    try:
        yield
    except FilesetError:
        raise
    except FileNotFoundError as problem:
        raise NotFoundError("no such remote folder or file", path=place) from problem
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as problem:  # a CancelledError of asyncio is no Exception
        reason = without_password(str(problem)) or type(problem).__name__
        raise MediumError(f"the remote file system failed: {reason}", path=place) from problem


def connect(url: str) -> tuple[Any, str]:
    """Connect to the file system of a URL; also return the path of the folder there.

    Raises `RuleError` if a library is missing or the scheme is unknown, `MediumError` if the connection fails.
    """
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise RuleError(
            'remote folders need fsspec: pip install "dicom-fileset[remote]"', path=without_password(url)
        ) from None
    shown = without_password(url)
    scheme, _, place = url.partition("://")
    with failures(shown):
        try:
            # A cached listing would hide changes by other programs.
            file_system, root = url_to_fs(f"{scheme.lower()}://{place}", use_listings_cache=False)
        except ImportError as problem:
            raise RuleError(f"{problem}", path=shown) from problem
        except ValueError as problem:
            raise RuleError(f"there is no kind of remote folder {scheme!r} ({problem})", path=shown) from problem
    return file_system, str(root).rstrip("/")
