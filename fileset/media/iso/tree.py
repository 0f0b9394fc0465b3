"""The tree of names in an image, shared by its hierarchies: ISO 9660, Joliet and UDF.

Files and folders are nodes; the root is node 0. Columns hold the facts about the nodes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

from fileset.errors import RuleError
from fileset.file_id import FileId

ROOT: Final = 0
MAX_DEPTH: Final = 8
"""Largest number of levels below the root, including the file: as many as a File ID has (PS3.10 8.2)."""


class NameTree:
    """Files, the folders that they need, and other `folders`. Names that differ only in case are the same name.

    `files` has the nodes of the files in the given order. Raises `RuleError` for names that clash or are too deep.
    """

    def __init__(self, file_ids: Sequence[FileId], folders: Sequence[str] = ()) -> None:
        self.names = [""]
        self.parents = array("l", [ROOT])
        self.children: dict[int, array[int]] = {ROOT: array("l")}
        nodes = {"": ROOT}
        self.files = array("l", (self._file(file_id, nodes) for file_id in file_ids))
        for folder in folders:
            self._folder(folder, nodes)
        self._refuse_twins(nodes)

    def __len__(self) -> int:
        return len(self.names)

    def is_folder(self, node: int) -> bool:
        """Return whether a node is a folder."""
        return node in self.children

    def path(self, node: int) -> str:
        """Build the path of a node below the root, with "/" between names."""
        parts = []
        while node != ROOT:
            parts.append(self.names[node])
            node = self.parents[node]
        return "/".join(reversed(parts))

    def _file(self, file_id: FileId, folders: dict[str, int]) -> int:
        folder, _, name = file_id.text().rpartition("/")
        if folder.count("/") + 2 > MAX_DEPTH:
            raise RuleError(f"ISO 9660 allows {MAX_DEPTH - 1} folders above a file (PS3.12 F.1.2.1)", path=file_id)
        return self._node(name, self._folder(folder, folders))

    def _folder(self, path: str, folders: dict[str, int]) -> int:
        key = path.upper()
        if key not in folders:
            above, _, name = path.rpartition("/")
            folders[key] = node = self._node(name, self._folder(above, folders))
            self.children[node] = array("l")
        return folders[key]

    def _node(self, name: str, parent: int) -> int:
        node = len(self.names)
        self.names.append(name)
        self.parents.append(parent)
        self.children[parent].append(node)
        return node

    def _refuse_twins(self, folders: dict[str, int]) -> None:
        for folder in folders.values():
            seen = set()
            for child in self.children[folder]:
                name = self.names[child].upper()
                if name in seen:
                    raise RuleError("two files or folders of an image cannot have this name", path=self.path(child))
                seen.add(name)
