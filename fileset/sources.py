"""What a Creator or Updater was given: files of the operating system, and data sets of pydicom."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from fileset.encoding.header import Reading
from fileset.errors import RuleError
from fileset.media.host import contents, same_contents, size_of, walk

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


class Sources:
    """An ordered collection of sources, by index; kept as columns because there may be a million."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._relative_at = array("I")  # where in each path the part below the named source begins
        self._contents: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def add_path(self, source: str | os.PathLike[str], *, skip: frozenset[str] = frozenset()) -> None:
        """A file, or all files below a folder. Raises `MediumError` if it does not exist."""
        for file in walk(source, skip=skip):
            self.paths.append(file.path)
            self._relative_at.append(len(file.path) - len(file.relative))

    def add_dataset(self, dataset: Dataset) -> None:
        """A pydicom data set, encoded at once. Raises `RuleError` if it cannot be a DICOM file."""
        self._contents[len(self.paths)] = encode_dataset(dataset)
        self.paths.append("")
        self._relative_at.append(0)

    def relative(self, index: int) -> str:
        """The path of a file below the source that the user named; "" for a data set."""
        return self.paths[index][self._relative_at[index] :].replace(os.sep, "/")

    def name(self, index: int) -> str:
        """How to call a source in a message."""
        return self.relative(index) or f"data set {list(self._contents).index(index) + 1}"

    def in_memory(self, index: int) -> Reading | None:
        """Random access to a source that is no file."""
        data = self._contents.get(index)
        return None if data is None else lambda at, size: data[at : at + size]

    def size(self, index: int) -> int:
        """In bytes. Raises `MediumError` if the file is gone."""
        data = self._contents.get(index)
        return size_of(self.paths[index]) if data is None else len(data)

    def chunks(self, index: int) -> Iterator[bytes]:
        """The bytes of a source in parts."""
        data = self._contents.get(index)
        return contents(self.paths[index]) if data is None else iter((data,))

    def same(self, one: int, other: int) -> bool:
        """Whether two sources hold the same bytes."""
        if one in self._contents or other in self._contents:
            return b"".join(self.chunks(one)) == b"".join(self.chunks(other))
        return same_contents(self.paths[one], self.paths[other])


def encode_dataset(dataset: Dataset) -> bytes:
    """A data set as a DICOM file with File Meta Information (PS3.10 7.1)."""
    from io import BytesIO

    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.update(getattr(dataset, "file_meta", {}))
    if "TransferSyntaxUID" not in meta:
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
    whole = pydicom.dataset.FileDataset("", dataset, file_meta=meta)
    target = BytesIO()
    try:
        pydicom.dcmwrite(target, whole, enforce_file_format=True)
    except Exception as problem:  # pydicom raises nearly anything on what it cannot encode
        raise RuleError(f"the data set cannot be written as a DICOM file (PS3.10 7.1): {problem}") from problem
    return target.getvalue()
