"""The calls of Windows.

NTFS keeps its own structures whole after a loss of power, but not the order of changes; FAT and exFAT promise nothing.
`sync_directory` therefore flushes the folder, and `replace` asks Windows to return when the new name is on disk.
"""

from __future__ import annotations

import ctypes
import errno
import msvcrt
import os
import stat
import sys
import time
from collections.abc import Callable, Collection
from ctypes import wintypes
from typing import Final

from fileset.media.names import is_device_name
from fileset.media.system.interface import Drive, VolumeFacts

assert sys.platform == "win32"  # noqa: S101  # for the type checker, which then knows the functions of the system

MOVES_OPEN_FILES: Final[bool] = False
HAS_SYNC_VOLUME: Final[bool] = False
WORK_FOLDER_MODE: Final = 0o777
"""With 0o700, Python 3.13 keeps other users out of the folder, and of the files moved out of it: they keep their permissions."""

_LOCKED_BYTE: Final = 1 << 40
"""Position of the byte that is locked: beyond the end of any lock file, so that others can still read it."""
_LONG: Final = 160
"""Length of a path from which on its form without a limit is used. Windows limits others to 260 characters, and a file-set has
up to 80 more below its folder.
"""
_TRIES, _PAUSE = 20, 0.05
"""How often, and after how many seconds, an action on a file that another program has open is tried again."""
_SHARING: Final = frozenset((32, 33))
"""Sharing violation, lock violation."""
_DENIED: Final = 5
"""Access denied: the answer if an open or read-only file is replaced."""

_IN_USE: Final = "Another program may have it open: close it there, and try again"
_REPLACE_EXISTING, _WRITE_THROUGH = 0x1, 0x8
_GENERIC_WRITE: Final = 0x40000000
_SHARE_ALL: Final = 0x7
_OPEN_EXISTING: Final = 3
_BACKUP_SEMANTICS: Final = 0x02000000
_END_OF_FILE: Final = 38
_INVALID_PARAMETER: Final = 87
_LENGTH_OF_DISC: Final = 0x0007405C
"""IOCTL_DISK_GET_LENGTH_INFO."""
_SECTOR: Final = 4096
"""Bytes that a raw drive is read in: whole sectors, of a disc or of a stick."""
_NO_DIALOGS: Final = 0x0001
"""SEM_FAILCRITICALERRORS: a drive without a disc is an error, not a question to the user."""
_READ_ONLY_VOLUME: Final = 0x00080000
_REMOVABLE, _OPTICAL = 2, 5

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateFileW.restype = wintypes.HANDLE
_kernel.CreateFileW.argtypes = (
    wintypes.LPCWSTR,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.LPVOID,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.HANDLE,
)
_kernel.FlushFileBuffers.argtypes = (wintypes.HANDLE,)
_kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel.ReadFile.argtypes = (
    wintypes.HANDLE,
    wintypes.LPVOID,
    wintypes.DWORD,
    wintypes.LPDWORD,
    wintypes.LPVOID,
)
_kernel.DeviceIoControl.argtypes = (
    wintypes.HANDLE,
    wintypes.DWORD,
    wintypes.LPVOID,
    wintypes.DWORD,
    wintypes.LPVOID,
    wintypes.DWORD,
    wintypes.LPDWORD,
    wintypes.LPVOID,
)
_kernel.SetErrorMode(_kernel.GetErrorMode() | _NO_DIALOGS)
_INVALID: Final = wintypes.HANDLE(-1).value


class _Overlapped(ctypes.Structure):
    """OVERLAPPED: the position of a read."""

    _fields_ = (
        ("internal", ctypes.c_void_p),
        ("internal_high", ctypes.c_void_p),
        ("offset", wintypes.DWORD),
        ("offset_high", wintypes.DWORD),
        ("event", wintypes.HANDLE),
    )


def open_descriptor(path: str, flags: int, *, follow: bool = True) -> int:
    """Open a file in binary mode."""
    path = listed_path(path.replace("/", os.sep))  # only paths without the prefix may have both
    if not follow and _leads_elsewhere(os.lstat(path)):
        raise OSError(errno.ELOOP, "a symbolic link", path)
    return os.open(path, flags | os.O_BINARY | os.O_NOINHERIT)


def _leads_elsewhere(status: os.stat_result) -> bool:
    return status.st_reparse_tag in (stat.IO_REPARSE_TAG_SYMLINK, stat.IO_REPARSE_TAG_MOUNT_POINT)


def create(path: str, mode: int) -> int:
    """Create a file for reading and writing; never one that exists. Windows inherits permissions from the folder."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_BINARY | os.O_NOINHERIT, mode)


def is_link(entry: os.DirEntry[str]) -> bool:
    """Test whether an entry of a folder is a symbolic link or a junction."""
    return _leads_elsewhere(entry.stat(follow_symlinks=False))


def long_path(path: str) -> str:
    r"""Give a long path the prefix \\?\, which lifts the limit of 260 characters. Windows knows no spaces at the end of a path."""
    path = path.rstrip(" ") or path
    whole = os.path.abspath(path)
    return path if len(whole) < _LONG or path.startswith("\\\\?\\") else _unlimited(whole)


def _unlimited(whole: str) -> str:
    return "\\\\?\\UNC" + whole[1:] if whole.startswith("\\\\") else "\\\\?\\" + whole


def listed_path(path: str) -> str:
    r"""Give the path of a listed file the prefix \\?\ if it is long, or Windows would take its name for another one."""
    folder, name = os.path.split(path)
    if name in (os.curdir, os.pardir):
        return long_path(path)
    is_exact = name[-1:] not in (".", " ") and not is_device_name(name)
    if (len(path) < _LONG and is_exact) or path.startswith("\\\\?\\"):
        return path
    return _unlimited(os.path.join(os.path.abspath(folder), name))


def read_at(descriptor: int, size: int, at: int) -> bytes:
    """Read up to `size` bytes from position `at`."""
    buffer = bytearray(size)
    return bytes(memoryview(buffer)[: read_into(descriptor, memoryview(buffer), at)])


def read_into(descriptor: int, view: memoryview, at: int) -> int:
    """Fill a buffer from position `at`. The position of the descriptor moves, so no other code may read by it.

    A raw drive gives whole sectors only.
    """
    if not view:
        return 0
    place = _Overlapped(offset=at & 0xFFFFFFFF, offset_high=at >> 32)
    count = wintypes.DWORD()
    target = (ctypes.c_char * len(view)).from_buffer(view)
    handle = msvcrt.get_osfhandle(descriptor)
    if _kernel.ReadFile(handle, target, len(view), ctypes.byref(count), ctypes.byref(place)):
        return count.value
    error = ctypes.get_last_error()
    if error == _INVALID_PARAMETER and (at % _SECTOR or len(view) % _SECTOR):
        return read_sectors(descriptor, view, at)
    if error == _END_OF_FILE:
        return 0
    raise ctypes.WinError(error)


def read_sectors(descriptor: int, view: memoryview, at: int) -> int:
    """Fill a buffer from position `at` by reading the whole sectors around it."""
    before = at % _SECTOR
    buffer = memoryview(bytearray(-(-(before + len(view)) // _SECTOR) * _SECTOR))
    found = buffer[before : read_into(descriptor, buffer, at - before)][: len(view)]
    view[: len(found)] = found
    return len(found)


def size(descriptor: int) -> int:
    """Measure in bytes an open file, or the disc in a drive, whose end cannot be sought."""
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
    except OSError:
        end = 0
    if end:
        return end
    length, count = ctypes.c_uint64(), wintypes.DWORD()
    handle = msvcrt.get_osfhandle(descriptor)
    place, room = ctypes.byref(length), ctypes.sizeof(length)
    done = _kernel.DeviceIoControl(handle, _LENGTH_OF_DISC, None, 0, place, room, ctypes.byref(count), None)
    return length.value if done else end  # an empty file has no such length


def lock(descriptor: int) -> None:
    """Lock a file until it is closed."""
    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError as problem:
        raise BlockingIOError(problem.errno, problem.strerror) from problem
    finally:
        os.lseek(descriptor, 0, os.SEEK_SET)


def replace(source: str, target: str) -> None:
    """Rename a file over another one, and return when the name is on disk; wait while another program has it open."""

    def move() -> None:
        if not _kernel.MoveFileExW(source, target, _REPLACE_EXISTING | _WRITE_THROUGH):
            number = ctypes.get_last_error()
            raise OSError(0, ctypes.FormatError(number), source, number, target)

    _patiently(move, target, _SHARING | {_DENIED})


def patiently(action: Callable[[], None], path: str) -> None:
    """Rename or remove the file at `path`; wait while another program, such as a scanner, has it open."""
    _patiently(action, path, _SHARING)


def _patiently(action: Callable[[], None], path: str, busy: Collection[int]) -> None:
    for left in reversed(range(_TRIES)):
        try:
            action()
        except OSError as problem:
            if problem.winerror not in busy:
                raise
            if not left:
                raise OSError(0, f"{problem.strerror} {_IN_USE}", path) from problem
        else:
            return
        if not clear_read_only(path):
            time.sleep(_PAUSE)


def clear_read_only(path: str) -> bool:
    """Take the attribute from a file or folder that forbids to remove it: copies of files on a CD often have it."""
    try:
        attributes = os.lstat(path).st_file_attributes
    except OSError:
        return False
    if not attributes & stat.FILE_ATTRIBUTE_READONLY:
        return False
    return bool(_kernel.SetFileAttributesW(path, attributes & ~stat.FILE_ATTRIBUTE_READONLY))


def start_write_back(descriptor: int) -> None:
    """Do nothing: Windows has no such call."""


def forget_cached(descriptor: int) -> None:
    """Do nothing: Windows has no such call."""


def sync_file(descriptor: int) -> None:
    """Sync a file (FlushFileBuffers)."""
    os.fsync(descriptor)


def sync_directory(path: str) -> None:
    """Flush a folder. File systems that refuse are left alone: `replace` writes through."""
    handle = _kernel.CreateFileW(path, _GENERIC_WRITE, _SHARE_ALL, None, _OPEN_EXISTING, _BACKUP_SEMANTICS, None)
    if handle != _INVALID:
        _kernel.FlushFileBuffers(handle)
        _kernel.CloseHandle(handle)


def sync_volume(descriptor: int) -> None:
    """Do nothing: flushing a whole volume takes an administrator. Each file was flushed."""


def drives() -> list[Drive]:
    """List the drives with a medium that can be taken out."""
    letters = _kernel.GetLogicalDrives()
    roots = [f"{chr(ord('A') + number)}:\\" for number in range(26) if letters >> number & 1]
    found = []
    for root in roots:
        drive_type, kind = _kernel.GetDriveTypeW(root), ctypes.create_unicode_buffer(256)
        if drive_type not in (_REMOVABLE, _OPTICAL):
            continue
        if _kernel.GetVolumeInformationW(root, None, 0, None, None, None, kind, len(kind)):  # there is a medium
            found.append(Drive(root, f"\\\\.\\{root[:2]}", kind.value, drive_type == _OPTICAL))
    return found


def processors() -> int:
    """Count the processors that this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return os.cpu_count() or 1


def volume(path: str) -> VolumeFacts:
    """Look up the volume of an existing folder."""
    root = ctypes.create_unicode_buffer(1024)
    if not _kernel.GetVolumePathNameW(path, root, len(root)):
        raise ctypes.WinError(ctypes.get_last_error())
    kind, flags = ctypes.create_unicode_buffer(256), wintypes.DWORD()
    _kernel.GetVolumeInformationW(root, None, 0, None, None, ctypes.byref(flags), kind, len(kind))
    numbers = [wintypes.DWORD() for _ in range(4)]
    if not _kernel.GetDiskFreeSpaceW(root, *map(ctypes.byref, numbers)):
        raise ctypes.WinError(ctypes.get_last_error())
    per_cluster, sector, _, clusters = (number.value for number in numbers)
    free, capacity = ctypes.c_uint64(), ctypes.c_uint64()
    if not _kernel.GetDiskFreeSpaceExW(path, ctypes.byref(free), ctypes.byref(capacity), None):
        raise ctypes.WinError(ctypes.get_last_error())
    return VolumeFacts(
        kind=kind.value,
        root=root.value,
        free=free.value,
        capacity=capacity.value,
        block=per_cluster * sector or 4096,
        clusters=clusters,
        read_only=bool(flags.value & _READ_ONLY_VOLUME),
        removable=_kernel.GetDriveTypeW(root) in (_REMOVABLE, _OPTICAL),
    )
