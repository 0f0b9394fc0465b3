"""Loaded by Python under Wine 8 before anything else: replaces the functions that Wine 8 lacks or has wrong."""

import _winapi
import concurrent.futures.process as pool
import ctypes
import ntpath
import sys
from typing import Any

# Wine ends a process that calls one of these two; `platform` and `shutil.copy` have other ways without them.
sys.modules["_wmi"] = None  # type: ignore[assignment]
if hasattr(_winapi, "CopyFile2"):
    del _winapi.CopyFile2


def _wakeup(self: Any) -> None:
    """Wake a process pool up with one byte, because Wine loses messages of none."""
    if not self._closed:
        self._writer.send_bytes(b"x")


pool._ThreadWakeup.wakeup = _wakeup  # noqa: SLF001

_final_path = ntpath._getfinalpathname  # noqa: SLF001


def _long_final_path(path: str) -> str:
    """Leave paths over 260 characters as they are, because Wine does not resolve them."""
    try:
        return _final_path(path)
    except OSError as problem:
        if problem.winerror != 234:
            raise
        return path


ntpath._getfinalpathname = _long_final_path  # noqa: SLF001

COMPLEX_PARTS = {
    "creal": "f20f1001 c3",  # movsd xmm0, [rcx]; ret
    "cimag": "f20f104108 c3",  # movsd xmm0, [rcx + 8]; ret
    "crealf": "660f6ec1 c3",  # movd xmm0, ecx; ret
    "cimagf": "48c1e920 660f6ec1 c3",  # shr rcx, 32; movd xmm0, ecx; ret
}
"""The functions of the C runtime that numpy needs to load and that end a process under Wine, as machine code."""


def _complete_c_runtime() -> None:
    """Write the missing functions over the ones that end the process."""
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.GetModuleHandleW.restype = ctypes.c_void_p
    kernel32.GetProcAddress.restype = ctypes.c_void_p
    kernel32.GetProcAddress.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    runtime = kernel32.GetModuleHandleW("ucrtbase.dll")
    for name, code in COMPLEX_PARTS.items():
        body = bytes.fromhex(code)
        place = kernel32.GetProcAddress(runtime, name.encode())
        kernel32.VirtualProtect(
            ctypes.c_void_p(place), ctypes.c_size_t(len(body)), 0x40, ctypes.byref(ctypes.c_ulong())
        )
        ctypes.memmove(place, body, len(body))


_complete_c_runtime()
