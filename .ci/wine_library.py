"""Write bcryptprimitives.dll, which Wine 8 lacks and every library written in Rust needs: python wine_library.py FILE."""

import sys
from pathlib import Path
from struct import pack

NAME = b"bcryptprimitives.dll\0"
FUNCTION = b"ProcessPrng\0"
FORWARD = b"advapi32.SystemFunction036\0"
"""Random bytes, with the same arguments."""

ADDRESS = 0x1000  # of the only section, in memory
BLOCK = 0x200  # in the file


def section() -> bytes:
    """Return the export directory: one function, which is that of another library."""
    name = ADDRESS + 50
    function = name + len(NAME)
    directory = pack("<10I", 0, 0, 0, name, 1, 1, 1, ADDRESS + 40, ADDRESS + 44, ADDRESS + 48)
    return directory + pack("<IIH", function + len(FUNCTION), function, 0) + NAME + FUNCTION + FORWARD


def library() -> bytes:
    """Return a library for 64-bit Windows (PE32+) without code."""
    exports = section()
    file = b"MZ".ljust(60, b"\0") + pack("<I", 64)
    file += b"PE\0\0" + pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)
    file += pack("<HBBIIIII", 0x20B, 14, 0, 0, len(exports), 0, 0, ADDRESS)
    file += pack("<QII6HIIIIHH", 0x180000000, 0x1000, BLOCK, 6, 0, 0, 0, 6, 0, 0, 2 * ADDRESS, BLOCK, 0, 3, 0x100)
    file += pack("<4QII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    file += pack("<II", ADDRESS, len(exports)).ljust(16 * 8, b"\0")
    file += pack("<8s6IHHI", b".rdata", len(exports), ADDRESS, BLOCK, BLOCK, 0, 0, 0, 0, 0x40000040)
    return file.ljust(BLOCK, b"\0") + exports.ljust(BLOCK, b"\0")


Path(sys.argv[1]).write_bytes(library())
