"""Time only `Reader.find`: open the file-set, then find the instances of one patient, and print the seconds of the find.

Only the first find counts, so its time includes everything that is prepared on first use.
"""

import sys
from time import perf_counter

from fileset import Reader


def seconds_to_find(folder: str, patient: str) -> float:
    """Return the seconds from the query to the last record that it finds. Raises LookupError if it finds none."""
    with Reader(folder) as reader:
        started = perf_counter()
        found = sum(1 for _ in reader.find(PatientID=patient))
        seconds = perf_counter() - started
    if not found:
        raise LookupError(f"no record of patient {patient}")
    return seconds


if __name__ == "__main__":
    print(seconds_to_find(*sys.argv[1:]))
