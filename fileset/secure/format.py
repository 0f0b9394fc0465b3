"""The kind of medium that holds Secure DICOM Files, in a folder, an image or an archive."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from attrs import evolve, field, frozen

from fileset.file_id import FileId
from fileset.media.base import Footprint, Format
from fileset.media.open import format_named, scannable, updatable
from fileset.secure.medium import SecureMedium, SecureView
from fileset.secure.security import Security

_NONE: Final = frozenset[FileId]()


@frozen
class SecureFormat:
    """A kind of medium whose DICOM files are encrypted; `inner` is the kind of the medium itself, None to recognise it.

    `beside` are files that are not encrypted, such as a viewer. Files whose names are not File IDs, such as INDEX.HTM, are
    not encrypted either.
    """

    security: Security
    inner: Format | None = None
    beside: Container[FileId] = field(default=_NONE, repr=False)

    @property
    def name(self) -> str:
        """The name of the inner kind."""
        return self._known.name

    @property
    def form(self) -> str:
        """The form of the inner kind."""
        return self._known.form

    @property
    def suffix(self) -> str:
        """The suffix of the inner kind."""
        return self._known.suffix

    @property
    def footprint(self) -> Footprint:
        """The footprint of the inner format, with the bytes that encryption adds to each file."""
        inner = self._known.footprint
        return evolve(inner, entry=inner.entry + -(-self.security.sealer.most // inner.unit) * inner.unit)

    @property
    def _known(self) -> Format:
        return self.inner or format_named("folder")

    def recognises(self, path: str) -> bool:
        """Test whether the file at `path` is of the inner kind."""
        return self._known.recognises(path)

    def readable(self, path: str) -> SecureView:
        """Return the medium at `path`, or the one with the DICOMDIR at `path`; it decrypts its files."""
        return SecureView(scannable(path, self.inner), self.security)

    def writable(self, path: str, label: str) -> SecureMedium:
        """Return a medium that encrypts a new file-set."""
        return SecureMedium(self._known.writable(path, label), self.security, self._is_plain)

    def updatable(self, path: str) -> SecureMedium:
        """Return the medium at `path`, for changes."""
        return SecureMedium(updatable(path, self.inner), self.security, self._is_plain)

    def _is_plain(self, file_id: FileId) -> bool:
        return file_id in self.beside or not file_id.conformant
