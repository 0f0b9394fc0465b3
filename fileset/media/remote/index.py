"""Write the DICOMDIR of a bucket with one conditional request, after a check that no other file has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NoReturn

from fileset.errors import MediumError, RefusedError, RuleError
from fileset.file_id import DICOMDIR, SEPARATOR, FileId
from fileset.media.base import Chunks, Counter, FileInfo, Transaction, UpdatableMedium, Written, uncounted
from fileset.media.names import form_of
from fileset.media.remote.access import failures
from fileset.media.remote.medium import RemoteMedium, scheme_of

WRITABLE: Final = ("s3", "memory")
"""Schemes with a request that creates a file only if none exists, or replaces only a known file."""
CONDITIONAL: Final = ("s3",)
"""Schemes with a request that replaces a file only if its tag is the known one."""
ONE_REQUEST: Final = 5 << 30
"""Largest request of S3 in bytes. A DICOMDIR (at most 4 GiB) is sent in one request, because parts have no condition."""
NOT_COPIED: Final = "files of a remote folder are not written: create the file-set here, and upload it"


class RemoteFileSet(RemoteMedium, UpdatableMedium):
    """A bucket with the files of a file-set. Only its DICOMDIR is written.

    It keeps its first listing; if a file was added, removed or changed since then, the write is refused.
    """

    read_only = False

    def exists(self) -> bool:
        """Return True: a remote folder exists if it has files."""
        return True

    def check_writable(self) -> None:
        """Raise `RuleError` if a DICOMDIR cannot be written safely to such a file system."""
        scheme = scheme_of(self._fs)
        if scheme not in WRITABLE:
            raise RuleError(
                f"a DICOMDIR is not written to {scheme}://, which has no conditional request. Index a copy of the folder",
                path=self._url,
            )

    def transaction(self) -> Transaction:
        """Begin a change, which writes only the DICOMDIR."""
        self.check_writable()
        return _DicomdirTransaction(self)

    def actual(self, file_id: FileId) -> FileId | None:
        """Find the actual name of a file, None if it is absent."""
        name = form_of(file_id.path, self._forms)
        return FileId.tolerant(name) if name else None

    def occupation(self, value: str) -> str:
        """Return "folder" or "file" if one has this File ID value, else ""."""
        name = value.replace(SEPARATOR, "/")
        if name in self.files:
            return "file"
        return "folder" if any(one.startswith(name + "/") for one in self.files) else ""

    def put_dicomdir(self, data: bytes) -> None:
        """Write the DICOMDIR in one request, and read it back.

        Raises `RefusedError` if a file has changed since the first listing, or another writer was first.
        """
        if self.failed_calls:
            raise MediumError("not all files could be read: no DICOMDIR was written", path=self._url)
        changed = self.changed()
        if changed:
            names = ", ".join(changed[:3])
            raise RefusedError(
                f"{len(changed)} files were added, removed or changed meanwhile: {names}", path=self._url, advice=_AGAIN
            )
        former = self.files.get(DICOMDIR.value)
        key = former.key if former else f"{self._root}/{DICOMDIR.value}"
        condition = {"mode": "create"} if former is None else {"IfMatch": former.tag}
        if former and scheme_of(self._fs) not in CONDITIONAL:
            condition = {}
        try:
            with failures(self._url):
                self._fs.pipe_file(key, data, **condition, chunksize=ONE_REQUEST)
        except MediumError as problem:
            if _is_refusal(problem.__cause__):
                raise RefusedError(
                    "another writer has written a DICOMDIR meanwhile", path=self._url, advice=_AGAIN
                ) from problem
            raise
        with failures(self._url):
            if self._fs.cat_file(key) != data:
                raise MediumError("the DICOMDIR reads back with other bytes than were written", path=self._url)


_AGAIN: Final = "Index it again when nothing changes it"


def _is_refusal(cause: BaseException | None) -> bool:
    """Decide whether an error is the answer to an unmet condition: 412 Precondition Failed, 409 Conflict."""
    text = f"{cause} {cause.__cause__}" if cause else ""
    return isinstance(cause, FileExistsError) or "PreconditionFailed" in text or "pre-conditions" in text


class _DicomdirTransaction(Transaction):
    """One change of a bucket: its DICOMDIR, in one request."""

    done = False

    def __init__(self, medium: RemoteFileSet) -> None:
        self._medium = medium

    def __exit__(self, *_: object) -> None:
        pass

    def announce(self, added: Iterable[FileId], removed: Iterable[FileId]) -> None:
        if [*added, *removed]:
            self._refuse()

    def write(self, file_id: FileId, chunks: Chunks, info: FileInfo | None = None) -> NoReturn:  # noqa: ARG002  # refused
        self._refuse()

    def delete(self, file_id: FileId) -> NoReturn:  # noqa: ARG002  # refused
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise RuleError(NOT_COPIED, path=self._medium.name)

    def publish(self, dicomdir: Chunks, verify: Callable[[bytes], None], count: Counter = uncounted) -> Written:  # noqa: ARG002
        data = b"".join(dicomdir)
        verify(data)  # before the request: afterwards there would be no old one to keep
        self._medium.put_dicomdir(data)
        self.done = True
        return Written(DICOMDIR, len(data))
