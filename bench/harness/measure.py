"""Time, processor time, memory, disk and the page cache of processes on this machine (Linux)."""

import ctypes
import os
import pathlib
import time

PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """Seconds of processor time (user and system, all threads) a process has used, to the nanosecond.

    The clock of another process is number ~pid * 8 + 2 (the kernel's CPUCLOCK_SCHED); /proc/PID/stat only has 10 ms steps.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_mb(pid: int) -> float:
    return _status_kib(pid, "VmRSS") / 1e3 * 1.024


def peak_mb(pid: int) -> float:
    """Largest resident memory since the start or since `reset_peak`, in MB."""
    return _status_kib(pid, "VmHWM") / 1e3 * 1.024


def reset_peak(pid: int) -> None:
    """Peaks count from now on. Where the kernel refuses, they count from the start of the process."""
    try:
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        pass


def _status_kib(pid: int, name: str) -> int:
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return 0


def disk_bytes(folder: pathlib.Path) -> int:
    """Bytes of all files below a folder. A file that goes away meanwhile does not count."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                pass
    return total


def evict(folder: pathlib.Path, whole_machine: bool) -> str:
    """Takes a stopped system's files out of the page cache; says how far that worked.

    `whole_machine` empties the page cache of everybody through /proc/sys/vm/drop_caches (root). Otherwise only these files
    are given up (posix_fadvise), which any user may do. Either way the files are looked at afterwards.
    """
    os.sync()
    if whole_machine:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
    left = 0
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            if not whole_machine:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            left += _cached_bytes(file.fileno(), path.stat().st_size)
    how = "drop_caches" if whole_machine else "fadvise"
    return how if left == 0 else f"{how}, {left} bytes stayed cached"


def _cached_bytes(fd: int, size: int) -> int:
    if size == 0:
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    address = libc.mmap(None, size, 1, 1, fd, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        return 0
    try:
        pages = ctypes.create_string_buffer((size + PAGE - 1) // PAGE)
        if libc.mincore(address, size, pages) != 0:
            return 0
        return sum(byte & 1 for byte in pages.raw[: (size + PAGE - 1) // PAGE]) * PAGE
    finally:
        libc.munmap(address, size)


def may_drop_caches() -> bool:
    return os.access("/proc/sys/vm/drop_caches", os.W_OK)


def keep_warm(paths: list[pathlib.Path]) -> None:
    """Reads program files, so that a cold store is not confused with a cold program."""
    for path in paths:
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass


def machine() -> dict:
    """What the figures were taken on."""
    model = ""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * PAGE
    load = os.getloadavg()[0]
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "kernel": os.uname().release,
        "load_before": round(load, 2),
    }
