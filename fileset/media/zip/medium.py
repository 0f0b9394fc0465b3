"""ZIP archives as a medium (PS3.12 V): random access without unpacking; written as a stream, changed as a whole."""

from __future__ import annotations

import sys
from functools import partial

from attrs import evolve, field, frozen

from fileset.errors import MediumError, RefusedError
from fileset.media.base import Footprint, ReadableMedium, UpdatableMedium
from fileset.media.image.bytes import first_bytes
from fileset.media.image.medium import Image, NoImage
from fileset.media.system.files import STANDARD_OUTPUT
from fileset.media.zip.directory import NO_EXTRAS, Extras
from fileset.media.zip.encryption import AES_EXTRA, AES_OVERHEAD
from fileset.media.zip.format import END_SIZE, HEADERS_SIZE, Signature
from fileset.media.zip.reader import ZipMedium
from fileset.media.zip.stream import ZipStream
from fileset.media.zip.writer import ZipBuilder


@frozen
class Zip:
    """The format of ZIP archives (PS3.12 V): members are stored, or deflated with `compress`.

    With a `password`, new members are encrypted with AES-256 (WinZip AE-2); reading opens plain and encrypted members.
    """

    compress: bool = False
    password: bytes = field(default=b"", repr=False)

    name = form = "zip"
    suffix = ".zip"

    @property
    def footprint(self) -> Footprint:
        """The room for two headers of each member, and the end. Deflating makes incompressible files a little longer."""
        locked = 2 * AES_EXTRA + AES_OVERHEAD if self.password else 0
        return Footprint(fixed=END_SIZE, folder=0, entry=HEADERS_SIZE + locked, growth=self.compress)

    def recognises(self, path: str) -> bool:
        """Test whether the file at `path` begins like an archive; it may be cut off."""
        return first_bytes(path, 4) in (Signature.LOCAL, Signature.END)

    def readable(self, path: str) -> ZipMedium:
        """Return the archive at `path`."""
        return ZipMedium(path, self.password)

    def writable(self, path: str, label: str) -> UpdatableMedium:  # noqa: ARG002  # an archive has no name of its own
        """Return a new archive at `path`; "-" streams it to standard output."""
        if path != STANDARD_OUTPUT:
            return _image(path, NoImage(path), self)
        if not sys.stdout.writable():
            raise MediumError("standard output is closed, so the archive cannot be written")
        if sys.stdout.isatty():
            raise RefusedError(
                "a ZIP archive would upset a terminal", advice="Send standard output to a file or another program"
            )
        return ZipStream(sys.stdout.buffer, partial(ZipBuilder, compress=self.compress, password=self.password))

    def updatable(self, path: str) -> Image:
        """Open the archive at `path`, which a change writes again; deflated if the old one is."""
        former = ZipMedium(path, self.password)
        options = evolve(self, compress=self.compress or former.compressed)
        return _image(path, former, options, former.extras())


def _image(path: str, former: ReadableMedium, options: Zip, extras: Extras = NO_EXTRAS) -> Image:
    return Image(
        path,
        former,
        build=lambda file, _label: ZipBuilder(
            file, compress=options.compress, password=options.password, extras=extras
        ),
        read=options.readable,
        format_name="ZIP",
        footprint=options.footprint,
        losses=lambda: _losses(extras),
    )


def _losses(extras: Extras) -> list[str]:
    """List the features of an archive that a new one cannot have."""
    before = [f"{extras.before} bytes before its first file, such as a program"] if extras.before else []
    return [*before, *(f"the extra fields of {name}" for name in extras.too_long)]
