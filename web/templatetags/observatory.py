"""Template tags for all pages: icons, states, times, durations, numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Protocol
from uuid import UUID

from django import template
from django.template import Context
from django.template.base import Parser, Token
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from connections.kinds import KINDS, Kind, kind_of
from lineage.datasets import names
from lineage.events.clocks import is_impossible
from lineage.events.senders import WORDS_WITH_RUN_IDS, title_of
from lineage.events.senders.sender import Words
from lineage.models import RunState
from lineage.overview.summaries import ConnectionSummary
from lineage.runs.durations import format_duration
from lineage.runs.times import exact_time, local, utc_time
from web.components.charts.scales import compact
from web.components.health import health_strip

register = template.Library()

# What stands where there is nothing to show.
NOTHING = "\N{EN DASH}"
_IDS = (UUID(int=1), UUID(int=2))
_NAMED_BY_TWO = ("job", "run")
# Of a name that is cut in its middle.
_LAST_LETTERS = 12

# State → icon, colour, words. A state that is not among them is shown as it is.
STATES = {
    RunState.RUNNING: ("player-play", "blue", "Running"),
    RunState.COMPLETED: ("circle-check", "green", "Completed"),
    RunState.FAILED: ("circle-x", "red", "Failed"),
    RunState.ABORTED: ("ban", "amber", "Aborted"),
    RunState.SKIPPED: ("arrow-right", "gray", "Skipped"),
    RunState.UPSTREAM_FAILED: ("hierarchy-2", "amber", "Upstream failed"),
    RunState.RETRIED: ("refresh", "gray", "Retried"),
    RunState.LOST: ("alert-triangle", "amber", "Lost"),
    RunState.UNKNOWN: ("help-circle", "gray", "Unknown"),
}

_NO_NAME = format_html('<span class="secondary">{}</span>', names.NO_NAME)
_DIAMOND = SafeString('<path d="M0 -5L5 0L0 5L-5 0Z"/>')
MARKS = {
    "completed": SafeString('<circle r="4"/>'),
    "failed": SafeString('<path d="M-4.5 -4.5L4.5 4.5M4.5 -4.5L-4.5 4.5"/>'),
    "aborted": SafeString('<rect x="-4" y="-4" width="8" height="8"/>'),
    "running": SafeString('<path d="M-3.5 -5L5 0L-3.5 5Z"/>'),
}
TEST_STATES = {
    "failed": ("circle-x", "red", "Failed"),
    "errored": ("alert-circle", "red", "Errored"),
    "warned": ("alert-triangle", "amber", "Warned"),
    "no result": ("help-circle", "gray", "No result"),
    "skipped": ("arrow-right", "gray", "Skipped"),
    "passed": ("circle-check", "green", "Passed"),
}


class LiveNode(template.Node):
    """Part of a page that the answer for its live region holds, too."""

    def __init__(self, nodes: template.NodeList) -> None:
        self.nodelist = nodes

    def render(self, context: Context) -> SafeString:
        html = self.nodelist.render(context)
        if live := context.get("live"):
            live.add(html)
        return html


@register.tag
def live(parser: Parser, _token: Token) -> LiveNode:
    """`{% live %}…{% endlive %}` around a live region, and around what else is sent with it."""
    nodes = parser.parse(("endlive",))
    parser.delete_first_token()
    return LiveNode(nodes)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """An icon of the sprite, for the eye alone: words beside it or an aria-label name it."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>',
        static("vendor/tabler-icons/icons.svg"),
        name,
    )


@register.simple_tag
def job_url(connection_id: UUID, job_id: UUID) -> str:
    """The page of a job."""
    return _url("job").format(connection_id, job_id)


class RunAddress(Protocol):
    """Part of a run that its page's address names."""

    @property
    def connection_id(self) -> UUID: ...
    @property
    def job_id(self) -> UUID: ...
    @property
    def run_id(self) -> UUID: ...
    @property
    def shares_run_id(self) -> bool: ...
    @property
    def map_index(self) -> int | None: ...


@register.simple_tag
def run_url(run: RunAddress) -> str:
    """The page of a run. Where several have its id, the parameters tell which one is meant."""
    url = run_id_url(run.connection_id, run.run_id)
    if not run.shares_run_id:
        return url
    return f"{url}?job={run.job_id}" + (f"&map_index={run.map_index}" if run.map_index is not None else "")


@register.simple_tag
def run_id_url(connection_id: UUID, run_id: UUID) -> str:
    """The page of the run with this id, which was perhaps never received."""
    return _url("run").format(connection_id, run_id)


@register.simple_tag
def dataset_url(dataset_id: UUID) -> str:
    """The page of a dataset."""
    return _url("dataset").format(dataset_id)


@register.simple_tag
def middle(name: str) -> SafeString:
    """A name that is cut in its middle where there is no room: its last letters tell it from others."""
    if not name.strip():
        return _NO_NAME
    name = names.visible(name)
    start, end = name[:-_LAST_LETTERS], name[-_LAST_LETTERS:]
    return format_html('<span class="middle" title="{}"><span>{}</span><span>{}</span></span>', name, start, end)


register.filter("plain_name", names.shown_name)
register.filter("visible", names.visible)


@register.filter
def shown_name(name: str) -> str:
    """The name of a dataset, or muted words for a blank one, so that a link can be seen."""
    return names.visible(name) if name.strip() else _NO_NAME


@register.filter
def compact_number(value: float) -> str:
    """`41.4 M`: three digits at most."""
    return compact(value)


@register.simple_tag
def type_icon(connection_type: str) -> SafeString:
    return icon(kind_of(connection_type).icon)


@register.simple_tag
def connection_kinds() -> tuple[Kind, ...]:
    """The types of connections that people may add."""
    return KINDS


@register.simple_tag
def senders_with_run_ids() -> tuple[Words, ...]:
    """The senders that have ids of their own for runs, as pages speak of them."""
    return WORDS_WITH_RUN_IDS


@register.simple_tag
def chart_mark(state: str) -> SafeString:
    """The shape of a run in a chart, in lower case its state: shapes tell them apart where colours do not."""
    return MARKS.get(state, _DIAMOND)


@register.simple_tag
@cache
def run_state(state: str | None) -> SafeString:
    """A badge for the state of a run: icon, words and colour. None and "": no run yet."""
    if not state:
        return _badge("circle-dashed", "gray", "No run yet")
    return _badge(*STATES.get(RunState(state), STATES[RunState.UNKNOWN]))


# Kind of a problem → icon, colour, words.
PROBLEMS = {
    "failing": ("circle-x", "red", "Failing"),
    "lost": ("alert-triangle", "amber", "Lost"),
    "slow": ("hourglass", "violet", "Slow"),
    "silent": ("circle-dashed", "gray", "Silent"),
    "refused": ("ban", "gray", "Refused"),
}


@register.simple_tag
def problem_kind(kind: str) -> SafeString:
    """A badge for the kind of a problem: icon, words and colour."""
    return _badge(*PROBLEMS[kind])


@register.simple_tag
def problem_icon(kind: str) -> SafeString:
    """The icon of a kind of problems in its colour; nothing for all kinds."""
    if kind not in PROBLEMS:
        return SafeString("")
    name, colour, _ = PROBLEMS[kind]
    return format_html('<span class="text-{}">{}</span>', colour, icon(name))


@register.filter
def state_words(state: str | None) -> str:
    """`upstream failed`: the state of a run amid a sentence. None and "": no run yet."""
    return RunState(state).label.lower() if state else "no run yet"


@register.simple_tag
def test_state(state: str) -> SafeString:
    """A badge for the result of a test on a dataset."""
    return _badge(*TEST_STATES[state])


@register.simple_tag
def test_result(state: str) -> SafeString:
    """The result of a test on a dataset, in a cell: icon and words in its colour."""
    return _result(*TEST_STATES[state])


@register.simple_tag
def run_result(state: str) -> SafeString:
    """The state of a run beside a name: icon and words in its colour, without a ground."""
    return _result(*STATES.get(RunState(state), STATES[RunState.UNKNOWN]))


@register.simple_tag
def connection_status(summary: ConnectionSummary) -> SafeString:
    """A badge for a connection: Connected (green) or Setup incomplete (gray)."""
    if summary.is_connected:
        return _badge("plug-connected", "green", summary.status.label)
    return _badge("circle-dashed", "gray", summary.status.label)


register.simple_tag(health_strip)


@register.simple_tag
def runs_strip(states: Sequence[str]) -> SafeString:
    """Bars, one for each of a job's latest runs, the latest last: `Last 20 runs: 18 completed, 2 failed; the latest
    completed`. Nothing for a single run."""
    return _runs_strip(tuple(states)) if len(states) > 1 else SafeString("")


# Most jobs complete each time.
@lru_cache(1024)
def _runs_strip(states: tuple[str, ...]) -> SafeString:
    counts = ", ".join(f"{count} {RunState(state).label.lower()}" for state, count in Counter(states).most_common())
    latest = RunState(states[-1]).label.lower()
    return _strip([state.lower() for state in states], f"Last {len(states)} runs: {counts}; the latest {latest}")


@register.simple_tag(takes_context=True)
def ago(context: Context, at: datetime | None) -> SafeString:
    """`5 min ago`, by the page's `now`; on hover and focus the exact time, in the reader's time zone and in UTC."""
    if at is None:
        return format_html('<span class="secondary">{}</span>', NOTHING)
    here, in_utc = exact_time(at), utc_time(at)
    beside = "" if here == in_utc else f"<span>{in_utc}</span>"
    # Nothing of it wants escaping, and a page has a hundred.
    return SafeString(
        f'<span class="ago" tabindex="0"><time datetime="{at.isoformat()}">{relative(at, now=context["now"])}</time>'
        f'<span class="ago-exact" role="tooltip"><span>{here}</span>{beside}</span></span>'
    )


@register.simple_tag(takes_context=True)
def since(context: Context, at: datetime) -> str:
    """`5 min ago`, by the page's `now`, as words inside a link."""
    return relative(at, now=context["now"])


@register.simple_tag(takes_context=True)
def sent_time(context: Context, at: datetime | None, received_at: datetime | None) -> SafeString:
    """A time by the sender's clock, as `ago` shows it. If it is impossible: the receipt, and what that clock shows."""
    if at is None or not is_impossible(at, received_at):
        return ago(context, at)
    words = '<span class="clock-off">received {} <span class="secondary">clock of the sender: {}</span></span>'
    return format_html(words, ago(context, received_at), exact(at))


@register.filter
def exact(at: datetime | None) -> SafeString | str:
    """`2026-03-02 13:03:11 +01:00` in the reader's time zone; UTC on hover."""
    if at is None:
        return NOTHING
    here, in_utc = exact_time(at), utc_time(at)
    title = "" if here == in_utc else f' title="{in_utc}"'
    return SafeString(f'<time datetime="{at.isoformat()}"{title}>{here}</time>')


@register.filter
def exact_words(at: datetime | None) -> str:
    """`2026-03-02 13:03:11 +01:00` in the reader's time zone, for attributes and charts."""
    return exact_time(at) if at else NOTHING


@register.filter
def in_field(at: str | datetime | None) -> str:
    """`2026-03-02T13:03`: as a field for a time has it, in the reader's time zone. Takes a URL's text, too."""
    if isinstance(at, str):
        at = datetime.fromisoformat(at) if at else None
    return local(at).replace(tzinfo=None, microsecond=0).isoformat().removesuffix(":00") if at else ""


@register.filter
def short_time(at: datetime, now: datetime) -> str:
    """`2 Mar 12:03` in the reader's time zone; with the year if it is not that of `now`: `2 Mar 2025 12:03`."""
    at = local(at)
    year = "" if at.year == local(now).year else f" {at.year}"
    return f"{at.day} {at:%b}{year} {at:%H:%M}"


@register.filter
def integration(name: str) -> str:
    """The name of an integration as its makers write it; senders use capitals."""
    return title_of(name)


@register.filter
def duration(value: timedelta | None) -> str:
    """`340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most."""
    return NOTHING if value is None else format_duration(value)


def relative(at: datetime, *, now: datetime) -> str:
    """The time since `at` in words; a sender's clock may be ahead of ours, hence "in 5 min". Over 30 days: the date.

    Under a minute there is no finer step, so that a page that refreshes itself stays as it is meanwhile.
    """
    seconds = (now - at).total_seconds()
    minutes = int(abs(seconds) // 60)
    if minutes == 0:
        return "just now"
    if minutes < 60:
        words = f"{minutes} min"
    elif minutes < 48 * 60:
        words = f"{minutes // 60} h"
    elif minutes < 30 * 24 * 60:
        words = f"{minutes // (24 * 60)} days"
    else:
        return f"{local(at):%Y-%m-%d}"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _strip(outcomes: Iterable[str], words: str) -> SafeString:
    bars = format_html_join("", '<i class="strip-{}"></i>', zip(outcomes))
    return format_html('<span class="strip" role="img" aria-label="{}" title="{}">{}</span>', words, words, bars)


@cache
def _url(name: str) -> str:
    """The URL pattern of a page that ids name. Kept, since looking up each link takes as long as the rest of a
    table."""
    ids = _IDS if name in _NAMED_BY_TWO else _IDS[:1]
    url = reverse(name, args=ids)
    for id_ in ids:
        url = url.replace(str(id_), "{}")
    return url


def _badge(icon_name: str, colour: str, words: str) -> SafeString:
    return format_html('<span class="state state-{}">{}{}</span>', colour, icon(icon_name), words)


def _result(icon_name: str, colour: str, words: str) -> SafeString:
    return format_html('<span class="result result-{}">{}{}</span>', colour, icon(icon_name), words)
