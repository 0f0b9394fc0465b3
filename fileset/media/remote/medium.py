"""A bucket or another remote folder as a read-only medium: headers in batches, contents in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BufferedReader, BytesIO
from threading import Lock
from typing import Any, BinaryIO, Final, cast

from attrs import frozen

from fileset.errors import FormatError, MediumError, NotFoundError, without_password
from fileset.file_id import DICOMDIR, FileId, harm_of
from fileset.media.base import FileInfo, FileSetInfo, ReadableMedium, RefusedName
from fileset.media.image.names import Notes
from fileset.media.names import ARCHIVES, enlist, form_of
from fileset.media.remote.access import connect, failures
from fileset.media.remote.file import CHANGED, HEAD, RemoteFile

FIRST_BATCH, LARGEST_BATCH = 8, 512
"""Number of headers that are read at once when files are opened in the order of their names; it doubles each time."""

MOST_FAILED_CALLS: Final = 5
"""Number of failed calls after which reading ends, because a driver may retry each call for a minute."""


@frozen
class Listed:
    """A remote file as the folder lists it: its key, size in bytes, date, and a tag that changes with its contents."""

    key: str
    size: int
    modified: datetime | None
    tag: str


class RemoteMedium(ReadableMedium):
    """The files below a URL. Many requests at once read the headers of a batch ahead of the reader.

    Raises `NotFoundError` if there are no files, `MediumError` if the remote file system fails.
    """

    read_only = True

    def __init__(self, url: str) -> None:
        self._address = url
        self._url = without_password(url if url.endswith("://") else url.rstrip("/"))
        self._fs, self._root = connect(url)
        self._notes = Notes()
        self._lock = Lock()
        self._heads: dict[str, bytes | BaseException] = {}
        self._hashes: dict[str, int] = {}  # of the headers that were read before
        self._expected = self._batch = 0
        self.failed_calls = 0
        with failures(self._url):  # a driver may fail in any way, and describe a file in any way
            self.files = self._read_listing()
        self._order = {name: at for at, name in enumerate(self.files)}
        self._forms: dict[str, str] = {}
        for name in self.files:
            enlist(self._forms, name, name)

    # ------------------------------------------------------------ the listing

    def _read_listing(self) -> dict[str, Listed]:
        """List all files by name, in the order of their names."""
        found = self._found()
        if list(found) == [self._root]:  # the URL names one file
            self._root, _, name = self._root.rpartition("/")
            found = self._found() if name.upper().startswith(DICOMDIR.value) else found
            if name.lower().endswith(ARCHIVES):
                reason = "an image or archive on a remote system is not read"
                raise FormatError(reason, path=self._url, advice="Download it first")
        if not found:
            raise NotFoundError("no such remote folder, or nothing is in it", path=self._url)
        sizes = self._unlisted_sizes(found)
        files: dict[str, Listed] = {}
        for key, facts in found.items():
            if facts.get("type") != "directory":
                name = key.removeprefix(self._root).removeprefix("/")
                files[name] = listed(key, {**facts, "size": sizes.get(key, facts.get("size"))})
        return {name: files[name] for name in sorted(files) if not self._is_left_out(name, files)}

    def _is_left_out(self, name: str, files: dict[str, Listed]) -> bool:
        """Test whether a name is the marker of an empty folder, or is refused because it could be harmful or ambiguous."""
        if not name or name.endswith("/"):
            if files[name].size:
                self._notes.refuse(name or "/", "it has contents, but the name of a folder")
            return True
        reason = "its folder has no name" if name.startswith("/") else harm_of(name)
        if not reason and (plain := FileId.tolerant(name).path) != name and plain in files:
            reason = f"its name differs from {plain!r} in spaces or slashes alone"
        if reason:
            self._notes.refuse(name, reason)
        return bool(reason)

    def _found(self) -> dict[str, Any]:
        found: dict[str, Any] = self._fs.find(self._root, detail=True)
        return found

    def _unlisted_sizes(self, found: dict[str, Any]) -> dict[str, int]:
        """Ask for the sizes that the listing lacks, because a web server may list only names."""
        unknown = [key for key, facts in found.items() if facts.get("size") is None and facts.get("type") == "file"]
        sizes = dict(zip(unknown, self._fs.sizes(unknown), strict=True)) if unknown else {}
        if None in sizes.values():
            raise MediumError("it does not report the sizes of its files", path=self._url, advice="Download them first")
        return sizes

    @property
    def name(self) -> str:
        """The URL as the user gave it, without a password."""
        return self._url

    def names(self) -> Iterator[str]:
        """List the names of all files, "/" between components."""
        return iter(self.files)

    def changed(self) -> list[str]:
        """Find the files that were added, removed or changed since this medium was opened."""
        now = RemoteMedium(self._address).files
        return sorted(name for name in {*self.files, *now} if self.files.get(name) != now.get(name))

    def _listed(self, file_id: FileId) -> tuple[str, Listed]:
        name = form_of(file_id.path, self._forms)
        if name is None:
            raise MediumError(f"not on the medium {self._url} (PS3.10 8.2)", path=file_id)
        return name, self.files[name]

    def inquire_file(self, file_id: FileId) -> FileInfo:
        """Look up size and date of a file (M-INQUIRE FILE)."""
        _, file = self._listed(file_id)
        return FileInfo(file.size, file.modified)

    def inquire_file_set(self) -> FileSetInfo:
        """Return the kind of remote file system; its sizes are unknown."""
        return FileSetInfo(None, None, format=scheme_of(self._fs), read_only=self.read_only)

    # ------------------------------------------------------------ contents

    def open(self, file_id: FileId) -> BinaryIO:
        """Open a file for reading (M-READ). Its first bytes are read together with those of the next files."""
        name, file = self._listed(file_id)
        head = self._head(name)
        if isinstance(head, BaseException):
            reason = str(head) or type(head).__name__
            raise MediumError(f"cannot be read from {self._url}: {reason}", path=name) from head
        if len(head) < min(file.size, HEAD):
            raise MediumError(f"{len(head)} of {file.size} bytes came: it has changed", path=name)
        if len(head) >= file.size:
            return BytesIO(head)
        raw = RemoteFile(self._fs, file.key, file.size, head, f"{self._url}/{name}")
        return cast("BinaryIO", BufferedReader(raw, HEAD))

    def _head(self, name: str) -> bytes | BaseException:
        """Return the first bytes of a file, or the reason why there are none.

        A file whose header was read before must still have the same one: its record would describe another file.
        """
        with self._lock:
            at = self._order[name]
            if name not in self._heads:
                in_order = at == self._expected
                self._batch = min(2 * self._batch, LARGEST_BATCH) if in_order and self._batch > 1 else FIRST_BATCH
                self._batch = self._batch if in_order else 1
                self._heads = self._read_heads(list(self.files)[at : at + self._batch])
                self._expected = at + len(self._heads)
            head = self._heads[name]
            if isinstance(head, bytes) and self._hashes.setdefault(name, hash(head)) != hash(head):
                return MediumError(CHANGED)
            return head

    def _read_heads(self, names: Sequence[str]) -> dict[str, bytes | BaseException]:
        files = [self.files[name] for name in names]
        wanted = [file for file in files if file.size]
        if self.failed_calls >= MOST_FAILED_CALLS:
            raise MediumError("the remote file system failed again and again", path=self._url)
        self.failed_calls += 1
        with failures(self._url):
            heads = self._fs.cat_ranges(
                [file.key for file in wanted],
                [0] * len(wanted),
                [min(file.size, HEAD) for file in wanted],
                on_error="return",
            )
        self.failed_calls -= 1
        found = dict(zip((file.key for file in wanted), heads, strict=True))
        return {name: found.get(file.key, b"") for name, file in zip(names, files, strict=True)}

    # ------------------------------------------------------------ faults

    def damage(self) -> tuple[str, ...]:
        """Return a sentence for each file whose name could do harm."""
        return self._notes.everything()

    def refused(self) -> Sequence[RefusedName]:
        """List the files whose names could do harm."""
        return tuple(self._notes.refused.values())

    def close(self) -> None:
        """Forget the headers."""
        self._heads = {}


def listed(key: str, facts: dict[str, Any]) -> Listed:
    """Read the description of a file in a listing: drivers name dates and tags differently."""
    stamp = _first_of(facts, "LastModified", "last_modified", "mtime", "created")
    if isinstance(stamp, int | float):
        stamp = datetime.fromtimestamp(stamp, UTC)
    modified = stamp if isinstance(stamp, datetime) else None
    tag = str(_first_of(facts, "ETag", "etag", "md5", "generation") or stamp)
    return Listed(key, int(facts.get("size") or 0), modified, tag)


def _first_of(facts: dict[str, Any], *words: str) -> Any:
    return next(filter(None, map(facts.get, words)), None)


def scheme_of(file_system: Any) -> str:
    """Return the first scheme of a file system: "s3", "sftp", "memory"."""
    protocol = file_system.protocol
    return str(protocol if isinstance(protocol, str) else protocol[0])
