"""Calls at every depth are cheap."""

import resource

from server.stack import with_room

_CALLS = 500
_DEPTHS = 400


def _call(*numbers: int) -> None:
    # Its frame is larger than the step from one depth to the next, so some depth has no room for it.
    _a, _b, _c, _d, _e, _f, _g, _h, _i, _j, _k, _l = numbers


def _page_faults_of_calls(deeper: int) -> list[int]:
    """Memory that the system had to give, in pages, for the calls at this depth and each of the depths below it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(_CALLS):
        _call(*range(12))
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return [faults, *(_page_faults_of_calls(deeper - 1) if deeper else [])]


def test_with_room_no_depth_makes_each_call_ask_the_system_for_memory() -> None:
    # Without it some depth does in Python 3.11.
    assert max(with_room(_page_faults_of_calls, _DEPTHS)) < _CALLS


def test_arguments_and_results_pass_through() -> None:
    assert with_room(dict, [("a", 1)], b=2) == {"a": 1, "b": 2}
