"""A medium that encrypts DICOM files when it writes them, and decrypts them when it reads them (PS3.10 7.4).

The medium that it wraps gets only encrypted bytes of DICOM files, and decrypted bytes are written nowhere.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Self, cast

from attrs import evolve, field, frozen

from fileset.dicom.preamble import is_secure
from fileset.errors import FilesetError, RuleError
from fileset.file_id import DICOMDIR, FileId
from fileset.media.base import (
    Chunks,
    Counter,
    FileInfo,
    FileSetInfo,
    ReadableMedium,
    Transaction,
    UpdatableMedium,
    Written,
    holds,
    uncounted,
)
from fileset.media.layer import MediumLayer
from fileset.media.seekable import PositionalFile
from fileset.media.system.walk import random_access
from fileset.secure.reader import Opened, SecureState, content_size, open_envelope, parse
from fileset.secure.recipients import described, is_named, parsed

if TYPE_CHECKING:
    from fileset.secure.security import Security
    from fileset.secure.writer import Sealer

IN_MEMORY: Final = 16 << 20
"""Size in bytes up to which a decrypted file is kept in memory while it is open; of larger ones each read decrypts a part."""
_FIRST: Final = 132

IsPlain = Callable[[FileId], bool]
"""A function that returns whether a file is written without encryption, such as one of a viewer."""


@frozen
class _Last:
    """The file that was opened last and verified; its content if that is small, else None."""

    file_id: FileId
    info: FileInfo
    state: SecureState
    data: bytes | None = field(repr=False)


class SecureView(MediumLayer):
    """A medium for reading that decrypts Secure DICOM Files and leaves other files as they are.

    `states` has the state of each opened file, or its error, by name; `plain` has the DICOM files that are not encrypted.
    """

    def __init__(self, around: ReadableMedium, security: Security) -> None:
        self.around = around
        self.security = security
        self.states: dict[str, SecureState | FilesetError] = {}
        self.plain: set[str] = set()
        self._last: _Last | None = None

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading; decrypt and verify it first. Raises `SecureError` if that fails."""
        file = self.around.open(file_id)
        try:
            first = file.read(_FIRST)
            file.seek(0)
            if is_secure(first):
                return self._decrypted(file_id, file)
        except BaseException:
            file.close()
            raise
        if first[128:] == b"DICM":
            self.plain.add(file_id.path)
        return file

    def _decrypted(self, file_id: FileId, file: BinaryIO) -> BinaryIO:
        """Decrypt an envelope; remember the last one, because callers open a file several times in a row."""
        info = self.around.inquire_file(file_id)
        last = self._last
        if last and (last.file_id, last.info) != (file_id, info):
            last = None
        if last is None or last.data is None:
            opened = self._opened(file_id, file, last.state if last else None)
            data = opened.read(0, opened.size) if opened.size <= IN_MEMORY else None
            self._last = last = _Last(file_id, info, opened.state, data)
            if data is None:
                return cast("BinaryIO", io.BufferedReader(_Content(opened, file)))
        file.close()
        return io.BytesIO(last.data or b"")

    def _opened(self, file_id: FileId, file: BinaryIO, verified: SecureState | None) -> Opened:
        try:
            opened = open_envelope(*random_access(file), self.security.opener, self.security.trust, verified)
        except FilesetError as problem:
            self.states[file_id.path] = problem = problem.moved(path=file_id)
            raise problem from None
        self.states[file_id.path] = opened.state
        return opened

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Read size and date of a file; the size after decryption, if it can be decrypted."""
        info = self.around.inquire_file(file_id)
        with self.around.open(file_id) as file:
            if not is_secure(file.read(_FIRST)):
                return info
            try:
                return evolve(info, size=content_size(*random_access(file), self.security.opener))
            except FilesetError:
                return info

    def holds_secure_files(self) -> bool:
        """Check whether the DICOMDIR is encrypted; without one, whether any file is."""
        names = [DICOMDIR] if holds(self.around, DICOMDIR) else [FileId.tolerant(name) for name in self.names()]
        return any(map(self.is_secure_file, names))

    def is_secure_file(self, file_id: FileId) -> bool:
        """Test whether a file is a Secure DICOM File."""
        with self.around.open(file_id) as file:
            return is_secure(file.read(_FIRST))


class _Content(PositionalFile):
    """The verified content of an envelope; each read decrypts its part."""

    def __init__(self, opened: Opened, file: BinaryIO) -> None:
        super().__init__(opened.read, opened.size)
        self._file = file

    def close(self) -> None:
        self._file.close()
        super().close()


class SecureMedium(SecureView):
    """A medium that encrypts DICOM files for the recipients of `security`, and decrypts them for reading."""

    around: UpdatableMedium

    def __init__(self, around: UpdatableMedium, security: Security, is_plain: IsPlain) -> None:
        super().__init__(around, security)
        self._sealer = security.sealer
        self._is_plain = is_plain

    def inquire_file_set(self) -> FileSetInfo:
        """Return the sizes of the medium, and the bytes that encryption adds to each file."""
        return evolve(self.around.inquire_file_set(), overhead=self._sealer.most)

    def lost_recipients(self, file_id: FileId) -> str:
        """Describe the recipients of a file who could not open it if it were written again now; "" if all could."""
        with self.around.open(file_id) as file:
            read, size = random_access(file)
            found = parsed(parse(read, size).recipients) if is_secure(read(0, _FIRST)) else []
        lost = [(kind, info) for kind, info in found if not self._stays(kind, info)]
        return described(lost) if lost else ""

    def _stays(self, kind: str, info: Any) -> bool:
        """Check whether new files are encrypted for a recipient of an old one, too."""
        if kind == "pwri":
            return bool(self.security.opener.password)
        return kind == "ktri" and any(is_named(info["rid"], one.certificate) for one in self.security.recipients)

    def exists(self) -> bool:
        """Check whether something exists at the path of the medium."""
        return self.around.exists()

    def has_dicomdir(self) -> bool:
        """Check whether there is a DICOMDIR."""
        return self.around.has_dicomdir()

    def occupied(self) -> bool:
        """Check whether a new file-set would replace something."""
        return self.around.occupied()

    def interrupted(self) -> bool:
        """Check whether a writer is at work, or was interrupted."""
        return self.around.interrupted()

    def hide(self, file_ids: Iterable[FileId]) -> None:
        """Answer as if files were deleted."""
        self.around.hide(file_ids)

    def check_writable(self) -> None:
        """Raise `MediumError` if the medium is not writable."""
        self.around.check_writable()

    def flush(self) -> None:
        """Wait until the medium can be removed safely."""
        self.around.flush()

    def actual(self, file_id: FileId) -> FileId | None:
        """Return the name of a file as it is on the medium."""
        return self.around.actual(file_id)

    def occupation(self, value: str) -> str:
        """Look up the kind of entry that has this File ID value: file, folder or none."""
        return self.around.occupation(value)

    def not_sources(self) -> frozenset[str]:
        """Return the names that are never sources."""
        return self.around.not_sources()

    def lasting_damage(self) -> Sequence[str]:
        """Return the damage that the next change does not cure."""
        return self.around.lasting_damage()

    def not_carried_over(self) -> Sequence[str]:
        """Return the things that the next change would lose, other than files."""
        return self.around.not_carried_over()

    def entitle(self, label: str) -> None:
        """Give the medium a new name with the next change."""
        self.around.entitle(label)

    def transaction(self) -> Transaction:
        """Begin a change."""
        return _SecureTransaction(self.around.transaction(), self._sealer, self._is_plain, self.security)


class _SecureTransaction:
    """A change of a medium that passes only encrypted bytes on."""

    def __init__(self, inner: Transaction, sealer: Sealer, is_plain: IsPlain, security: Security) -> None:
        self._inner, self._sealer, self._is_plain, self.security = inner, sealer, is_plain, security

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._inner.__exit__(kind, problem, trace)

    @property
    def done(self) -> bool:
        """Whether the new DICOMDIR is in place."""
        return self._inner.done

    def leftovers(self) -> list[FileId]:
        """List the files of an interrupted change."""
        return self._inner.leftovers()

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:
        """Announce the names that this change adds and removes."""
        self._inner.announce(added, removed)

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> Written:
        """Write a file, encrypted unless it stays plain. Raises `RuleError` if its size is unknown."""
        if self._is_plain(file_id):
            return self._inner.write(file_id, chunks, info)
        if info is None:
            raise RuleError("a file can be encrypted only if its size is known", path=file_id)
        whole = evolve(info, size=self._sealer.size(info.size))
        written = self._inner.write(file_id, self._sealer.chunks(chunks, info.size), whole)
        return evolve(written, size=info.size)

    def settle(self) -> None:
        """Wait until the medium has all that was written."""
        self._inner.settle()

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:
        """Encrypt and write the new DICOMDIR, read it back, decrypt and verify it, and put it in place."""
        data = b"".join(dicomdir)
        sealed = b"".join(self._sealer.chunks((data,), len(data)))

        def accept(back: bytes) -> None:
            verify(self._plain(back, sealed, data))

        return evolve(self._inner.publish((sealed,), accept, count), size=len(data))

    def _plain(self, back: bytes, sealed: bytes, data: bytes) -> bytes:
        """Decrypt the DICOMDIR that was read back; without a key, equal encrypted bytes prove equal data."""
        if not self.security.opens_own:
            return data if back == sealed else back
        opened = open_envelope(lambda at, size: back[at : at + size], len(back), self.security.opener)
        return opened.read(0, opened.size)

    def delete(self, file_id: FileId) -> None:
        """Delete a file."""
        self._inner.delete(file_id)
