"""Events fold into equal rows in any order and any grouping, without a database.

test_any_order.py does so with PostgreSQL.
"""

from copy import deepcopy
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.digest.descriptions import merged
from lineage.digest.fold import ReceivedEvent, Rows, fold
from lineage.events import Event, decode_event
from tests.lineage.conftest import NOW
from tests.lineage.digest.test_any_order import FAMILIES, events

CONNECTION = UUID(int=1)
EXAMPLES = settings(max_examples=150, deadline=None)
GROUPS = st.lists(st.integers(1, 4), max_size=4)


def folded(decoded: list[Event]) -> Rows:
    return fold(ReceivedEvent(CONNECTION, event, NOW) for event in decoded)


def assert_same_rows(decoded: list[Event], others: list[Event], sizes: list[int]) -> None:
    """Runs and descriptions of jobs are what is merged; of jobs, datasets and edges it is known which there are."""
    expected, groups, position = folded(decoded), [], 0
    for size in [*sizes, len(others)]:
        groups.append(folded(others[position : position + size]))
        position += size
    together = Rows()
    # The last first, so that what comes later is merged into what came before and the other way round.
    for rows in reversed(groups):
        for key, said in rows.descriptions.items():
            known = together.descriptions.get(key)
            together.descriptions[key] = said if known is None else merged(known, said)
        for run_key, run in deepcopy(rows.runs).items():
            if together.runs.setdefault(run_key, run) is not run:
                together.runs[run_key].merge(run)
    assert together.runs == expected.runs
    assert together.descriptions == expected.descriptions
    at_once = folded(others)
    assert at_once == expected


@EXAMPLES
@given(data=st.data(), sizes=GROUPS)
def test_what_real_senders_say_of_one_run(data: st.DataObject, sizes: list[int]) -> None:
    family = data.draw(st.sampled_from([family for family in FAMILIES for _ in family]))
    sent = data.draw(st.lists(st.sampled_from(family), min_size=1, max_size=12, unique=True))
    decoded = [decode_event(body) for body in sent]
    assert_same_rows(decoded, data.draw(st.permutations(decoded)), sizes)


@EXAMPLES
@given(bodies=st.lists(events(), min_size=1, max_size=8), sizes=GROUPS, data=st.data())
def test_contradicting_events(bodies: list[bytes], sizes: list[int], data: st.DataObject) -> None:
    decoded = [decode_event(body) for body in bodies]
    assert_same_rows(decoded, data.draw(st.permutations(decoded)), sizes)
