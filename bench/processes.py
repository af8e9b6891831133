"""Processes of a server, and their CPU time."""

import psutil


def process_tree(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(*roots: int) -> float:
    """Return the CPU time of these processes and their descendants so far, including ended children."""
    return sum(_seconds(process, roots) for root in roots for process in process_tree(root))


def _seconds(process: psutil.Process, with_children: tuple[int, ...]) -> float:
    """Return the CPU time of one process; 0 if it has just ended, since its parent counts it from then on."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    ended = times.children_user + times.children_system if process.pid in with_children else 0.0
    return times.user + times.system + ended
