"""What a file may cost, in one table; and the error of a file that is of no use."""

import resource
from typing import Any

from sources.rows import MAX_COLUMNS, MAX_DEPTH, MAX_ROW, MAX_TEXT

__all__ = ["MAX_COLUMNS", "MAX_DEPTH", "MAX_ROW", "MAX_TEXT", "BadFile", "check_unpacked", "confine", "earn_time"]

MB = 2**20
MAX_FILE = 4096 * MB  # a million posts with their replies are 2 GB of JSON
MAX_HELD = 200 * MB  # of a file whose format wants all of it in memory: a packed Parquet or xlsx
MAX_UNPACKED = 4096 * MB  # of all members together
MAX_RATIO = 100  # unpacked to packed …
RATIO_FROM = 10 * MB  # … of what unpacks to more than this: small files of equal rows pack better, and do no harm
MAX_MEMBERS = 1_000
MAX_ROWS = 2_000_000
MAX_MEMORY = 1024 * MB  # address space of the process that reads
MAX_FILES_OPEN = 64
CPU_SECONDS, CPU_SECONDS_PER_MB = 15, 6  # without a row
CPU_FACTOR = 10  # with rows coming all the time: a slow machine and a well packed spreadsheet are no crime
MAX_FRAME = 32 * MB  # of a batch, or a row, on its way: JSON writes some characters as six
MAX_SENT = 8 * MAX_UNPACKED
SILENCE = 120  # seconds without a word after which the reading process is given up


class BadFile(Exception):
    """The file as a whole is of no use. `code` and `params` are what a sentence for people is made of."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


def check_unpacked(unpacked: int, packed: int) -> None:
    """Raises BadFile for what has swollen too much."""
    if unpacked > MAX_UNPACKED:
        raise BadFile("unpacked_too_large", limit=MAX_UNPACKED // MB)
    if unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed:
        raise BadFile("bomb", limit=MAX_RATIO)


def confine(size: int) -> None:
    """Limit this process to what reading a file of `size` bytes may take. It can write no file any more."""
    seconds = CPU_SECONDS + CPU_SECONDS_PER_MB * size // MB
    _limit(resource.RLIMIT_AS, MAX_MEMORY)
    _limit(resource.RLIMIT_CPU, seconds, seconds * CPU_FACTOR)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MAX_FILES_OPEN)


def earn_time() -> None:
    """Rows have come: time for more of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    wanted = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    if resource.RLIM_INFINITY not in (soft, hard) and soft < wanted:
        _limit(resource.RLIMIT_CPU, wanted, hard)


def _limit(what: int, soft: int, hard: int | None = None) -> None:
    """Never above what is allowed already. A system that knows no such limit (macOS: address space) goes without."""
    _, top = resource.getrlimit(what)
    bounds = [limit if top == resource.RLIM_INFINITY else min(limit, top) for limit in (soft, soft if hard is None else hard)]
    try:
        resource.setrlimit(what, (bounds[0], bounds[1]))
    except (ValueError, OSError):
        return
