"""Time `Reader.find` alone: open the file-set, then find the instances of one patient; prints the seconds of the find.

The first find is what counts, so anything that is prepared on first use is in the time.
"""

import sys
from time import perf_counter

from fileset import Reader


def seconds_to_find(folder: str, patient: str) -> float:
    """Seconds from the question to the last record of the answer; raises LookupError if there is none."""
    with Reader(folder) as reader:
        started = perf_counter()
        found = sum(1 for _ in reader.find(PatientID=patient))
        seconds = perf_counter() - started
    if not found:
        raise LookupError(f"no record of patient {patient}")
    return seconds


if __name__ == "__main__":
    print(seconds_to_find(*sys.argv[1:]))
