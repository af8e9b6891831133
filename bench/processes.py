"""The processes of a server, and the CPU that they use."""

import psutil


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(*roots: int) -> float:
    """What these processes and their descendants have used so far, ended children included."""
    return sum(_seconds(process, roots) for root in roots for process in family(root))


def _seconds(process: psutil.Process, with_children: tuple[int, ...]) -> float:
    """Nothing of one that has just ended (a worker of autovacuum): its parent counts it from then on."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    ended = times.children_user + times.children_system if process.pid in with_children else 0.0
    return times.user + times.system + ended
