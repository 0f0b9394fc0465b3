"""Dates and times in images: recording dates of ISO 9660 (ECMA-119 9.1.5) and timestamps of UDF (ECMA-167 1/7.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from struct import Struct
from typing import Final

_TIMESTAMP: Final = Struct("<HhBBBBBBBB")


@lru_cache
def recording_date(when: datetime) -> bytes:
    """Encode a recording date and time in UTC, limited to the years that the format can hold."""
    utc = when.astimezone(UTC)
    year = min(max(utc.year, 1900), 2155) - 1900
    return bytes((year, utc.month, utc.day, utc.hour, utc.minute, utc.second, 0))


@lru_cache
def recording_time(raw: bytes) -> datetime | None:
    """Decode a recording date and time; None if it is not valid."""
    year, *others, quarters = raw
    return _in_utc(1900 + year, *others, zone=15 * (quarters - 256 if quarters > 127 else quarters))


@lru_cache
def timestamp(when: datetime) -> bytes:
    """Encode a date and time of UDF in UTC."""
    utc = when.astimezone(UTC)
    return _TIMESTAMP.pack(0x1000, utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, 0, 0, 0)


def time_of(data: bytes, at: int) -> datetime | None:
    """Decode a date and time of UDF; None if it is not valid."""
    zone, *fields = _TIMESTAMP.unpack_from(data, at)
    minutes = (zone & 0xFFF) - ((zone & 0x800) << 1)
    return _in_utc(*fields[:6], zone=minutes if -1440 < minutes < 1440 else 0)


def _in_utc(*fields: int, zone: int) -> datetime | None:
    """Convert year to second, in a zone that is ahead of UTC by some minutes; None if there is no such time."""
    year, month, day, hour, minute, second = fields
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone(timedelta(minutes=zone)))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
