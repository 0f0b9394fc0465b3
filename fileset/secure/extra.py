"""The libraries of the extra `secure`, imported where they are used."""

from __future__ import annotations

from importlib import import_module

from fileset.errors import RuleError


def require_secure(library: str = "cryptography") -> None:
    """Raise `RuleError` if a library of the extra is not installed."""
    try:
        import_module(library)
    except ImportError as problem:
        raise RuleError(
            f"encryption needs the library {library}, which is not installed",
            advice='pip install "dicom-fileset[secure]"',
        ) from problem
