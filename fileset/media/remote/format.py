"""Remote folders as a kind of medium: recognised by their URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from attrs import define, field

from fileset.errors import RuleError, without_password
from fileset.media.base import Footprint
from fileset.media.remote.access import is_url

if TYPE_CHECKING:
    from fileset.media.remote.index import RemoteFileSet
    from fileset.media.remote.medium import RemoteMedium

NOT_CHANGED: Final = "a remote folder is read, and `index` writes its DICOMDIR; it is not changed otherwise"


@define(eq=False)
class Remote:
    """The format of remote folders: they are only read, except that `index` writes the DICOMDIR of a bucket.

    Use one instance for one command: all later steps are compared with its first listing of the bucket.
    """

    name = "remote"
    suffix = ""
    form = "folder"
    footprint = Footprint(fixed=0, folder=0, entry=0)
    _media: dict[str, RemoteFileSet] = field(factory=dict)

    def recognises(self, path: str) -> bool:
        """Test whether a path is a URL."""
        return is_url(path)

    def readable(self, path: str) -> RemoteMedium:
        """Return the remote folder at a URL."""
        from fileset.media.remote.medium import RemoteMedium

        return RemoteMedium(path)

    def writable(self, path: str, label: str) -> RemoteFileSet:  # noqa: ARG002  # a bucket has no name for a file-set
        """Return the bucket at a URL, to write its DICOMDIR."""
        from fileset.media.remote.index import RemoteFileSet

        return self._media.get(path) or self._media.setdefault(path, RemoteFileSet(path))

    def updatable(self, path: str) -> NoReturn:
        """Raise `RuleError`: other files of a bucket are never changed."""
        raise RuleError(NOT_CHANGED, path=without_password(path), advice="Change a copy of the folder, and upload it")
