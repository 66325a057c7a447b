"""The same site as one pass of f-strings: what it costs a person who writes without templates.

It writes FILES with the figures that `render` writes there from the same snapshot, in English, every text escaped. Of
what the benchmark's snapshot does not hold (incidents, notices, credit, limits, drawings of 30 days) it knows nothing.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import groupby
from math import floor, log10
from statistics import median
from typing import NamedTuple
from uuid import uuid5

from monitor import __version__
from monitor.publish.ability import LATE_INTERVALS
from monitor.publish.badge import COLOURS, GROUNDS
from monitor.publish.feed import SPACE
from monitor.publish.overview import CELLS, COUNTED, NAMES, PLATES, ROWS, TROUBLES
from monitor.publish.private_site import STANDS_S
from monitor.publish.render import POLICY, TEMPLATES
from monitor.publish.snapshot import AccountView, DurationView, Paces, ProviderView, Snapshot, TargetView
from monitor.publish.status import MARKS, Mark
from monitor.publish.statuspage import STATUSES
from monitor.slo.indicator import Cell
from monitor.words import money, percent, seconds
from probes.model import Fault

FILES = (
    *("404.html", "favicon.svg", "feed.xml", "history.html", "index.html", "maintenance.ics", "metrics.prom"),
    *("page.js", "robots.txt", "schema/status.json", "schema/usable.json", "status.json", "style.css", "usable.json"),
    *("api/v2/components.json", "api/v2/status.json", "api/v2/summary.json"),
    *("api/v2/incidents.json", "api/v2/incidents/unresolved.json", "api/v2/scheduled-maintenances.json"),
    *("api/v2/scheduled-maintenances/active.json", "api/v2/scheduled-maintenances/upcoming.json"),
    *("providers/{provider}.html", "badges/{provider}.json", "badges/{provider}.svg"),
    *("accounts/{account}.html", "badges/{account}.json", "badges/{account}.svg"),
)
"""All that is compared: a file that the site has besides is in neither side of the ratio."""
COPIED = ("style.css", "page.js", "robots.txt", "schema/status.json", "schema/usable.json")
LONG_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDER = tuple(Mark)


class Past(NamedTuple):
    """What the front page and an account's own say alike of its days: the drawing, its words, a link a day, shares."""

    drawing: str
    words: str
    days: str
    shares: str
    uptime: str


HEIGHTS = {"good": (11,), "mixed": (3, 13), "down": (8,), "unknown": (4, 12), "nothing": (15,)}
KINDS = {"down": "down", "mixed": "partly failing", "unknown": "not known", "nothing": "no data"}
NONE = '<p class="soft">None on record.</p>'
GAP = 7
"""Most steps between two points of a line: a look each half hour may leave two or three empty."""
GRID = "M0 0h288M0 40h288M0 80h288M72 0v120M144 0v120M216 0v120"
CURVES = """<ul class="legend" aria-hidden="true">
<li><svg class="plot" viewBox="0 0 24 16" aria-hidden="true"><path class="line" d="M0 8h24"/></svg>median of 20 min</li>
<li><svg class="plot" viewBox="0 0 24 16" aria-hidden="true"><path class="band" d="M0 3h24v10H0z"/></svg>usual: nine in
ten of a week</li>
<li><svg class="plot" viewBox="0 0 24 16" aria-hidden="true"><path class="event" d="M6 0h12v16H6z"/></svg>incident</li>
</ul>"""
CHEVRON = '<svg class="chevron" aria-hidden="true"><use href="#chevron"/></svg>'
KEY = (
    '<span>Account</span><span>State</span><span class="ends"><span>90 days ago</span><span>today</span></span>'
    "<span>30 d</span><span>Answer</span></p>"
)
FIND = """<div class="find" role="search" hidden><label class="vh" for="find">Find an account</label><input id="find"
type="search" placeholder="Find an account ( / )" autocomplete="off"> <label class="vh" for="only">Show</label><select
id="only"><option value="">All accounts</option><option value="trouble">Only trouble</option><option value="works">Only
working</option></select> <label class="vh" for="order">Order</label><select id="order"><option value="">By provider
</option><option value="worst">Worst first</option><option value="name">By name</option></select></div>"""
SHAPES = """<svg class="shapes" width="0" height="0" aria-hidden="true">
<symbol id="up" viewBox="0 0 24 24"><circle class="f" cx="12" cy="12" r="10"/><path class="g" d="M7.5 12.5l3 3 6-6.5"/>
</symbol><symbol id="down" viewBox="0 0 24 24"><path class="f" d="M7.9 2h8.2L22 7.9v8.2L16.1 22H7.9L2 16.1V7.9z"/>
<path class="g" d="M8.5 8.5l7 7m0-7l-7 7"/></symbol>
<symbol id="partly" viewBox="0 0 24 24"><path d="M12 2l10 10-10 10L2 12z"/>
<path class="f" d="M2 12h20L12 22z"/></symbol>
<symbol id="at_risk" viewBox="0 0 24 24"><path d="M12 3l10 18H2z"/><path d="M12 10v5M12 18v.1"/></symbol>
<symbol id="suspected" viewBox="0 0 24 24"><circle cx="12" cy="12" r="9.5" stroke-dasharray="4 3.46"/>
<circle class="f" cx="12" cy="12" r="2.5"/></symbol>
<symbol id="unknown" viewBox="0 0 24 24"><circle cx="12" cy="12" r="10"/>
<path d="M9 9.5a3 3 0 1 1 4.4 2.7c-1 .5-1.4 1.1-1.4 2.1M12 17v.1"/></symbol>
<symbol id="planned" viewBox="0 0 24 24"><rect x="3" y="4" width="18" height="17" rx="3"/>
<path d="M3 10h18M8 2v4M16 2v4"/></symbol>
<symbol id="ended" viewBox="0 0 24 24"><circle cx="12" cy="12" r="10"/><path d="M7.5 12.5l3 3 6-6.5"/></symbol>
<symbol id="message" viewBox="0 0 24 24"><path d="M3 5h18v12H11l-5 4v-4H3z"/></symbol>
<symbol id="person" viewBox="0 0 24 24"><circle cx="12" cy="8" r="4.5"/>
<path d="M3.5 21c1-5 4.5-7 8.5-7s7.5 2 8.5 7"/></symbol>
<symbol id="dot" viewBox="0 0 24 24"><circle class="f" cx="12" cy="12" r="5"/></symbol>
<symbol id="chevron" viewBox="0 0 24 24"><path d="M5 9l7 7 7-7"/></symbol>
</svg>"""
GUIDE = f"""<details class="guide"><summary>{CHEVRON}<h2>How to read this page</h2></summary>
<dl>
<div><dt>Works</dt><dd>The last canaries were answered well.</dd></div>
<div><dt>At risk</dt><dd>It works, and something announces that it may not for long.</dd></div>
<div><dt>Rechecking</dt><dd>Failed just now; confirmed or cleared within a minute.</dd></div>
<div><dt>Trouble, partly down</dt><dd>It works in part, or badly.</dd></div>
<div><dt>Down</dt><dd>Confirmed: several canaries in a row failed.</dd></div>
<div><dt>Not known</dt><dd>We could not check, or have not checked lately.</dd></div>
</dl>
<p>Percentages are the share of good answers among all that counted, and p95 is what one in twenty exceeded; the error
budget is what 99% allows in 30 days. A day with more than 1% bad answers does not count as good.</p>
</details>"""

CHART_GUIDE = """<p>In a chart the line is the median of 20 minutes, and the band what nine in ten answers of a week
took; a line ends where answers end. A dotted line is what will be at this pace, or the amount below which credit is
low.</p>"""


def names(snapshot: Snapshot) -> frozenset[str]:
    """Return the paths of FILES for these providers and accounts."""
    return frozenset(
        file.format(provider=provider.id, account=account.id)
        for provider in snapshot.providers
        for account in provider.accounts
        for file in FILES
    )


def site(snapshot: Snapshot) -> dict[str, bytes]:
    """Return every file of the site by its path."""
    marks = {one.id: _account_mark(one, snapshot.made_at) for every in snapshot.providers for one in every.accounts}
    said, mark = _headline(snapshot, marks)
    files = {name: (TEMPLATES / name).read_bytes() for name in COPIED}
    pasts = {one.id: _past(one) for every in snapshot.providers for one in every.accounts}
    for provider in snapshot.providers:
        for account in provider.accounts:
            files[_href(account)] = _account_page(account, provider, marks[account.id], pasts[account.id], snapshot)
        files[f"providers/{provider.id}.html"] = _provider_page(provider, marks, pasts, snapshot)
    files |= _badges(snapshot, marks) | _api(snapshot, marks, said, mark)
    files["metrics.prom"] = _metrics(snapshot, marks)
    files["status.json"] = _json(_status(snapshot, marks))
    files["usable.json"] = _json(_usable(snapshot, marks))
    files["feed.xml"] = _feed(snapshot)
    files["maintenance.ics"] = _calendar(snapshot)
    files["favicon.svg"] = _favicon(mark)
    files["history.html"] = _page(snapshot, "", "History", "Past incidents by month.", _quarter(snapshot))
    lost = '<h1>There is no such page.</h1><p><a href="/index.html">Current status</a></p>'
    files["404.html"] = _page(snapshot, "/", "Not found", "There is no such page.", lost)
    files["index.html"] = _index(snapshot, marks, pasts, said, mark)
    return files


def _page(snapshot: Snapshot, up: str, title: str, description: str, main: str, lasting_s: int = 0) -> bytes:
    """Return a whole page; `title` and `description` are escaped already."""
    site, made = escape(snapshot.title), _moment(snapshot.made_at)
    due_at = snapshot.made_at + timedelta(seconds=snapshot.fresh_s + lasting_s)
    due, fresh_s = _moment(due_at, snapshot.made_at), snapshot.fresh_s + lasting_s
    return (
        f'<!doctype html>\n<html lang="en" dir="ltr" data-made="{_iso(snapshot.made_at)}" data-fresh-s="{fresh_s:.0f}"'
        f' data-status="{up}status.json" data-here="here">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex, nofollow">\n'
        f'<meta name="referrer" content="no-referrer">\n<meta name="description" content="{description}">\n'
        f"<title>{title} · {site}</title>\n"
        f'<link rel="icon" type="image/svg+xml" href="{up}favicon.svg">\n<link rel="stylesheet" href="{up}style.css">\n'
        f'<link rel="alternate" type="application/atom+xml" title="Incidents" href="{up}feed.xml">\n'
        f'<script src="{up}page.js" defer></script>\n</head>\n<body>\n'
        f'<a class="skip" href="#main">Skip to content</a>\n{SHAPES}\n'
        f'<header><div class="top">\n<a class="site" href="{up}index.html"><bdi>{site}</bdi></a>\n'
        f'<nav aria-label="Pages"><a href="{up}index.html">Now</a><a href="{up}history.html">History</a></nav>\n'
        f'<p class="as-of">As of <b>{_time_here(snapshot.made_at)}</b></p>\n'
        f'</div></header>\n<main id="main" tabindex="-1">\n<p class="stale" role="alert" hidden>'
        f"<strong>This page is old.</strong> It was made {made} and a newer one was due by {due}. "
        f"The monitor, or whatever publishes its page, may have stopped.</p>\n{main}\n</main>\n<footer>\n"
        f"<p>Generated {_time_here(snapshot.made_at)}, seen from <bdi>{escape(snapshot.location)}</bdi>. "
        f"This page is made anew with all news, at the latest after {_span(fresh_s)}. "
        f"<span data-renews hidden>Left open, it shows the newer one by itself.</span> "
        f"A newer page is due by {due}. If it is later than that and "
        f"reloading brings nothing newer, this page is stale: the monitor may have stopped.</p>\n"
        f'<p class="more"><span>All times are UTC.</span> <a href="{up}feed.xml">Incidents as a feed</a> '
        f'<a href="{up}maintenance.ics">Maintenances as a calendar</a> '
        f'<a href="{up}status.json">The same for programs</a></p>\n'
        f"</footer>\n</body>\n</html>\n"
    ).encode()


def _index(
    snapshot: Snapshot, marks: dict[str, Mark], pasts: dict[str, Past], said: Sequence[str], mark: Mark
) -> bytes:
    lead, *causes = map(escape, said)
    detail = f"<p><bdi>{' '.join(causes)}</bdi></p>" if causes else ""
    main = (
        f'<section class="verdict {mark}" aria-labelledby="verdict"><div>{_icon(mark)}<h1 id="verdict">{lead}</h1>'
        f'{detail}</div>\n{_census(marks)}</section>\n<div class="first two"><div class="stack">'
        f'<section aria-labelledby="past"><div class="head"><h2 id="past">Past incidents</h2></div>{NONE}</section>'
        f"</div></div>\n{_accounts(snapshot, marks, pasts)}\n{GUIDE}"
        f"{CHART_GUIDE if len(marks) <= PLATES else ''}"
    )
    return _page(snapshot, "", lead, " ".join((lead, *causes)), main)


def _census(marks: dict[str, Mark]) -> str:
    counts = [(mark, number) for mark in ORDER if (number := list(marks.values()).count(mark))]
    words = ", ".join(f"{number} {COUNTED[mark]}" for mark, number in counts)
    start, drawn = 0, ""
    for mark, number in counts:
        drawn += f'<rect class="{mark}" x="{start}" y="3" width="{number}" height="7"/>'
        start += number
    return (
        f'<svg class="census" viewBox="0 0 {start} 10" preserveAspectRatio="none" role="img" aria-label="{words}">'
        f"{drawn}</svg>"
    )


def _accounts(snapshot: Snapshot, marks: dict[str, Mark], pasts: dict[str, Past]) -> str:
    every = [account for provider in snapshot.providers for account in provider.accounts]
    head = '<section aria-labelledby="accounts"><div class="head"><h2 id="accounts">Accounts</h2>'
    if len(every) <= PLATES:
        plates = "".join(_plate(one, marks[one.id], pasts[one.id], snapshot.made_at) for one in every)
        return f'{head}</div>\n<div class="plates">{plates}</div></section>'
    groups = "".join(_group(provider, len(every), marks, pasts) for provider in snapshot.providers)
    return (
        f'{head}<span class="small soft">lines are 90 days to today, seconds the median time to the first token, or of '
        f'the whole answer</span>{FIND}</div>\n<div class="fleet sheet"><p class="key" aria-hidden="true">{KEY}\n'
        f"{groups}</div></section>"
    )


def _plate(account: AccountView, mark: Mark, past: Past, now: datetime) -> str:
    since = f"since {_time(account.since, now)}" if account.since else ""
    tags = "".join(f' <span class="chip"><bdi>{escape(tag)}</bdi></span>' for tag in account.tags)
    first, id = account.targets[0], escape(account.id)
    tempo = ""
    if first.ttft.now_s is not None and first.ttft.usual_s is not None:
        drawn = _drawn_paces(first.ttft, first.ttfts, _upper_s([(first.ttft, first.ttfts)]))
        tempo = (
            f"<figure><figcaption><span>First token, 24 h</span> <span><b>{seconds(first.ttft.now_s)}</b>"
            f"{_slower(first.ttft)} usually {seconds(first.ttft.usual_s)}</span></figcaption>"
            f'<svg class="plot" viewBox="0 0 288 120" preserveAspectRatio="none" role="img" '
            f'aria-label="{_range(first.ttfts)}">{drawn}</svg></figure>'
        )
    return (
        f'<article class="plate sheet {mark}" data-name="{id}" data-mark="{mark}">\n<header>{_icon(mark)}<h3>'
        f'<a href="{_href(account)}"><bdi>{id}</bdi></a></h3> <b class="state">{MARKS[mark]}</b>{tags} '
        f'<span class="push small soft">{since}</span></header>\n<div class="quad"><figure><figcaption><span>90 days'
        f"</span> <b>{past.uptime}</b></figcaption>{_shown(past)}</figure>\n{tempo}</div></article>\n"
    )


def _group(provider: ProviderView, total: int, marks: dict[str, Mark], pasts: dict[str, Past]) -> str:
    ordered = sorted(provider.accounts, key=lambda one: (ORDER.index(marks[one.id]), one.importance))
    good = [account for account in ordered if marks[account.id] is Mark.UP]
    rows = ordered if total <= ROWS else [account for account in ordered if marks[account.id] is not Mark.UP]
    its = "".join(_row(account, marks[account.id], pasts[account.id], "") for account in rows[:TROUBLES])
    if len(rows) > TROUBLES:
        left = len(rows) - TROUBLES
        its += f'<p class="more"><a href="providers/{provider.id}.html">{left} more are not fully working</a></p>'
    if len(good) > CELLS:
        its += _fold(good, total, provider, marks)
    elif total > ROWS:
        its += f'<ul class="cells">{"".join(_cell(one, marks[one.id], pasts[one.id], "") for one in good)}</ul>'
    name = f"provider-{provider.id}"
    are_well = all(mark is Mark.UP for mark in marks.values())  # the headline says it
    count = "" if are_well else f"<p>{_how_many(provider, marks)}</p>"
    return (
        f'<section class="group" id="{name}" aria-labelledby="{name}-name"><header><h3 id="{name}-name">'
        f'<a href="providers/{provider.id}.html"><bdi>{escape(provider.name)}</bdi></a></h3> '
        f"{count}</header>\n<div>{its}</div></section>"
    )


def _how_many(provider: ProviderView, marks: dict[str, Mark]) -> str:
    good = sum(marks[account.id].works for account in provider.accounts)
    every = len(provider.accounts)
    return f"all {every} work" if good == every else f"{good} of {every} work" if good else f"none of {every} works"


def _row(account: AccountView, mark: Mark, past: Past, up: str) -> str:
    return (
        f'<li class="row {mark}" data-name="{escape(account.id)}" data-mark="{mark}"><span class="who">{_icon(mark)}'
        f'<a href="{up}{_href(account)}" dir="auto">{escape(account.name)}</a></span> <span class="what">'
        f'<b class="state">{MARKS[mark]}</b></span> {_shown(past)} <span class="num"><span class="vh">30 d: </span>'
        f'{past.uptime}</span> <span class="num"><span class="vh">Answer: </span>{_pace(account, mark)}</span></li>\n'
    )


def _cell(account: AccountView, mark: Mark, past: Past | None, up: str) -> str:
    return (
        f'<li data-name="{escape(account.id)}" data-mark="{mark}"><a href="{up}{_href(account)}" dir="auto">'
        f'{escape(account.name)}</a> <span class="num">{_pace(account, mark)}</span>{_shown(past) if past else ""}</li>'
    )


def _fold(good: Sequence[AccountView], total: int, provider: ProviderView, marks: dict[str, Mark]) -> str:
    if total > NAMES:
        return f'<p class="more"><a href="providers/{provider.id}.html">{len(good)} work</a></p>'
    paces = [_pace_s(account) or 0 for account in good]
    slowest = good[paces.index(max(paces))]
    links = "".join(
        f'<a href="{_href(account)}" data-name="{escape(account.id)}" data-mark="{marks[account.id]}" dir="auto">'
        f"{escape(account.name)}</a> "
        for account in good
    )
    return (
        f'<details class="fold"><summary><span>{CHEVRON}{len(good)} work</span><span>slowest {escape(slowest.name)}, '
        f'{seconds(max(paces))}</span><span class="num">{seconds(median(paces))}</span></summary>'
        f'<p class="names">{links}</p></details>'
    )


def _pace(account: AccountView, mark: Mark) -> str:
    now_s = _pace_s(account)
    return "none" if mark is Mark.DOWN else "" if now_s is None else seconds(now_s)


def _pace_s(account: AccountView) -> float | None:
    every = (*(it.ttft.now_s for it in account.targets), *(it.latency.now_s for it in account.targets))
    return next((one for one in every if one is not None), None)


def _provider_page(provider: ProviderView, marks: dict[str, Mark], pasts: dict[str, Past], snapshot: Snapshot) -> bytes:
    name, said = escape(provider.name), _how_many(provider, marks)
    worst = _worst([marks[account.id] for account in provider.accounts])
    rows, cells = "", ""
    for one in sorted(provider.accounts, key=lambda one: (ORDER.index(marks[one.id]), one.importance)):
        if provider.is_crowded and marks[one.id] is Mark.UP:
            cells += _cell(one, marks[one.id], None, "../")
        else:
            rows += _row(one, marks[one.id], pasts[one.id], "../")
    main = (
        f'<section class="verdict {worst}" aria-labelledby="verdict"><div>{_icon(worst)}<h1 id="verdict">{name}: {said}'
        f'</h1></div></section>\n<section aria-labelledby="accounts"><div class="head"><h2 id="accounts">Accounts</h2>'
        f'<span class="small soft">{said}</span></div>\n<div class="fleet sheet box"><p class="key flat" '
        f'aria-hidden="true">{KEY}\n<ul>{rows}</ul>\n<ul class="cells">{cells}</ul></div></section>\n'
        f"{_sibling_paces(provider, marks, snapshot.made_at)}"
    )
    return _page(snapshot, "../", name, f"The accounts of {name}.", main)


def _account_page(account: AccountView, provider: ProviderView, mark: Mark, past: Past, snapshot: Snapshot) -> bytes:
    id, maker, state, now = escape(account.id), escape(provider.name), MARKS[mark], snapshot.made_at
    since = f", since {_time_here(account.since, now)}" if account.since else ""
    first = account.targets[0]
    both = (("First token", first.ttft, first.ttfts), ("Whole answer", first.latency, first.latencies))
    paces = "".join(_pace_figure(name, view, its, _upper_s([(view, its)]), now) for name, view, its in both)
    targets = "".join(_target(it, number, now) for number, it in enumerate(account.targets, 1))
    main = (
        f'<section class="verdict {mark}" aria-labelledby="verdict"><div>{_icon(mark)}<h1 id="verdict"><bdi>{id}</bdi>'
        f': {state}</h1><p><a href="../../providers/{provider.id}.html"><bdi>{maker}</bdi></a>{since}</p></div>'
        f'</section>\n<section aria-labelledby="quarter"><div class="head"><h2 id="quarter">90 days</h2>'
        f'<span class="small soft">{past.words}</span></div>\n<div class="sheet box stack">{past.days}\n{past.shares}'
        f'<dl class="pairs"><div><dt>Cost</dt><dd>Canaries cost {money(account.spent_usd or 0)} today</dd></div></dl>'
        f'</div></section>\n<section aria-labelledby="paces"><div class="head"><h2 id="paces">'
        f'Response times, 24 hours</h2>{CURVES}</div>\n<div class="panels">{paces}</div></section>\n{targets}'
    )
    title, lasting_s = f"{id}: {state}", int(STANDS_S) if provider.is_crowded else 0
    return _page(snapshot, "../../", title, f"{maker}, {escape(account.name)}: {state}.", main, lasting_s)


def _target(it: TargetView, number: int, now: datetime) -> str:
    mark = _mark(it, now)
    hours, hours_words = _strip(it.cells, "hours")
    days, days_words = _strip(it.days, "days")
    model = f' <bdi class="soft">{escape(it.model)}</bdi>' if it.model else ""
    cause = f" · {escape(it.reason)}" if it.reason and mark is not Mark.UP else ""
    good = "no data" if it.availability is None else percent(it.availability)
    since = f" since {_time(it.since, now)}" if it.since and mark is not Mark.UP else ""
    return (
        f'<section class="canary {mark}" aria-labelledby="target-{number}"><div class="head"><h2 id="target-{number}">'
        f'{_icon(mark)} <bdi>{it.canary}</bdi>{model}</h2>\n<p class="small"><b class="state">{MARKS[mark]}</b>{since}'
        f'{cause} · <span class="soft">Last seen {_time(it.seen_at, now) if it.seen_at else "never"}, '
        f'every {it.interval_s / 60:g} min</span></p></div>\n<div class="panels small-multiples">'
        f'<figure class="panel sheet"><figcaption><span>24 h</span> <b>{good}</b></figcaption>{hours}'
        f'<p>{hours_words}</p></figure>\n<figure class="panel sheet"><figcaption><span>90 days</span></figcaption>'
        f"{days}<p>{days_words}</p>{_shares([it])}</figure>\n"
        f"{_figure('First token', it.ttft, mark)}{_figure('Whole answer', it.latency, mark)}</div></section>\n"
    )


def _figure(name: str, it: DurationView, mark: Mark) -> str:
    if it.now_s is None or it.usual_s is None or it.slow_s is None:
        return ""
    now = "none" if mark is Mark.DOWN else seconds(it.now_s)
    return (
        f'<figure class="panel sheet"><figcaption><span>{name}</span> <span><b>{now}</b>{_slower(it)} <span>usually '
        f"{seconds(it.usual_s)}, p95 {seconds(it.slow_s)}</span></span></figcaption></figure>\n"
    )


def _slower(it: DurationView) -> str:
    times = it.now_s / it.usual_s if it.now_s and it.usual_s else 0
    return f' <b class="slower">{times:.1f} × usual</b>' if times >= 1.5 else ""


def _sibling_paces(provider: ProviderView, marks: dict[str, Mark], now: datetime) -> str:
    if provider.is_crowded:
        return ""
    its = sorted(provider.accounts, key=lambda one: (ORDER.index(marks[one.id]), one.importance))
    upper_s = _upper_s([(one.targets[0].ttft, one.targets[0].ttfts) for one in its[:12]])
    drawn = ""
    for one in its[:12]:
        first, link = one.targets[0], f'<a href="../{_href(one)}" dir="auto">{escape(one.name)}</a>'
        drawn += _pace_figure(link, first.ttft, first.ttfts, upper_s, now)
    return (
        f'<section aria-labelledby="paces"><div class="head"><h2 id="paces">First token, 24 hours, on one scale</h2>'
        f'{CURVES}</div>\n<div class="panels fit">{drawn}</div></section>'
    )


def _pace_figure(name: str, it: DurationView, paces: Paces, upper_s: float, now: datetime) -> str:
    if it.now_s is None or it.usual_s is None or it.slow_s is None:
        return ""
    end = now - (now - datetime(2000, 1, 1, tzinfo=UTC)) % timedelta(minutes=20) + timedelta(minutes=20)
    hours = "".join(f"<span>{end - timedelta(hours=back):%H:%M}</span>" for back in (24, 18, 12, 6))
    ticks = "".join(f"<li>{upper_s * third / 3:.3g}{unit}</li>" for third, unit in ((3, " s"), (2, ""), (1, "")))
    return (
        f'<figure class="panel sheet"><figcaption><span>{name}</span> <span><b>{seconds(it.now_s)}</b>{_slower(it)} '
        f"<span>usually {seconds(it.usual_s)}, p95 {seconds(it.slow_s)}</span></span></figcaption>"
        f'<div class="chart" aria-hidden="true"><ol>{ticks}<li>0</li></ol><svg class="plot" viewBox="0 0 288 120" '
        f'preserveAspectRatio="none" aria-hidden="true"><path class="grid" d="{GRID}"/>'
        f'{_drawn_paces(it, paces, upper_s)}</svg><p class="ruler">{hours}<span>now</span></p></div>'
        f"<p>{_range(paces)}</p></figure>\n"
    )


def _drawn_paces(it: DurationView, paces: Paces, upper_s: float) -> str:
    """Return the band of what is usual and the line over it, which ends where two steps in a row have no answer."""
    per_s, last, line = 118 / upper_s, -9, ""
    for at, pace_s in enumerate(paces):
        if pace_s is not None:
            line += f"{'L' if at - last <= GAP else 'M'}{2 + 4 * at} {119 - per_s * pace_s:.0f}"
            last = at
    top, bottom = 119 - per_s * (it.slow_s or 0), 119 - per_s * (it.quick_s or 0)
    band = f"M0 {top:.0f}h288V{bottom:.0f}H0z"
    return f'<path class="band" d="{band}"/><path class="line" d="{line}"/>'


def _upper_s(every: Iterable[tuple[DurationView, Paces]]) -> float:
    """Return the upper end of a scale on which all of these fit."""
    top_s = max(max((view.slow_s or 0.0, *(one for one in paces if one is not None))) for view, paces in every)
    power = 10.0 ** floor(log10(top_s))
    return next(one * power for one in (1.2, 1.5, 3, 6, 9, 12) if one * power >= top_s)


def _range(paces: Paces) -> str:
    known = [one for one in paces if one is not None]
    return f"{seconds(min(known))} to {seconds(max(known))} in the last 24 hours"


def _shown(past: Past) -> str:
    return past.drawing.replace('aria-hidden="true"', f'role="img" aria-label="{past.words}"', 1)


def _past(account: AccountView) -> Past:
    drawing, words = _strip(account.targets[0].days, "days")
    days = _days(account.targets[0].days)
    return Past(drawing, words, days, _shares(account.targets), _uptime(account.targets[0]))


def _quarter(snapshot: Snapshot) -> str:
    """Return the last 90 days and what 7, 30 and 90 days come to: no incident, as all is well."""
    totals = "".join(f"<div><dt>{length} d</dt><dd><b>0 incidents</b></dd></div>" for length in (7, 30, 90))
    return (
        '<h1>Past incidents</h1>\n<section aria-labelledby="quarter">\n<div class="head"><h2 id="quarter">90 days</h2>'
        '<span class="small soft">what is part of a wider incident counts there</span></div>\n'
        f'<div class="sheet box stack">\n{_days(snapshot.providers[0].accounts[0].targets[0].days)}\n'
        f'<dl class="pairs">{totals}</dl>\n</div>\n</section>\n{NONE}'
    )


def _days(cells: Sequence[Cell]) -> str:
    """Return a link for each day since the first of which anything is known, by month; the benchmark has no gaps."""
    kinds = [_kind(cell, 0.01) for cell in cells]
    first = next(number for number, kind in enumerate(kinds) if kind != "nothing")
    at = cells[first].at
    months = f'<p class="small soft">Nothing is known before {at.day} {MONTHS[at.month - 1]}</p>' if first else ""
    last = None
    for cell, kind in zip(cells[first:], kinds[first:], strict=True):
        at = cell.at
        if (month := (at.year, at.month)) != last:
            months += "</ol></div>" if last else ""
            months += f'<div class="month"><h3>{LONG_MONTHS[at.month - 1]} {at.year}</h3><ol class="days">'
            last = month
        valid = cell.ok + cell.degraded + cell.failed
        good = f", {percent(cell.ok / valid)}" if valid and cell.ok < valid else ""
        date = f"{at.year}-{at.month:02}-{at.day:02}"
        months += (
            f'<li id="day-{date}"><a href="#day-{date}" class="{kind}" '
            f'aria-label="{at.day} {MONTHS[at.month - 1]}: {KINDS.get(kind, "good")}{good}"></a></li>'
        )
    return f'<div class="months">{months}{"</ol></div>" if last else ""}</div>'


def _uptime(target: TargetView) -> str:
    cells = target.days[-30:]
    valid = [cell.ok + cell.degraded + cell.failed for cell in cells]
    if not sum(valid):
        return "no data"
    first = cells[next(number for number, count in enumerate(valid) if count)].at
    share = percent(sum(cell.ok for cell in cells) / sum(valid))
    return share if first == cells[0].at else f"{share} since {_since(target.watched_since or first, cells[-1].at)}"


def _strip(cells: Sequence[Cell], unit: str) -> tuple[str, str]:
    """Return the drawing, each kind one path, and what it says in words: how much was good, and what was not."""
    tolerance = 0.01 if unit == "days" else 0
    paths, found, start, good = dict.fromkeys(HEIGHTS, ""), {}, 0, 0
    for kind, its in groupby([_kind(cell, tolerance) for cell in cells]):
        length = sum(1 for _ in its)
        paths[kind] += "".join(f"M{start} {y}h{length}" for y in HEIGHTS[kind])
        found[kind] = (start, length) if kind not in found else (-1, found[kind][1] + length)
        good += length if kind == "good" else 0
        start += length
    drawn = "".join(f'<path class="{kind}" d="{path}"/>' for kind, path in paths.items() if path)
    remark = "".join(f"; {_when(KINDS[kind], *found[kind], cells, unit)}" for kind in KINDS if kind in found)
    size = f'viewBox="0 0 {len(cells)} 16" preserveAspectRatio="none"'
    drawing = f'<svg class="strip" {size} aria-hidden="true">{drawn}</svg>'
    return drawing, f"Last {len(cells)} {unit}: {good} good{remark}"


def _kind(cell: Cell, tolerance: float) -> str:
    bad = cell.failed + cell.degraded
    if cell.ok and bad <= tolerance * (cell.ok + bad):
        return "good"
    if bad:
        return "mixed" if cell.ok + cell.degraded else "down"
    return "unknown" if cell.unknown else "nothing"


def _when(said: str, start: int, length: int, cells: Sequence[Cell], unit: str) -> str:
    if start < 0:
        return f"{said} {'in' if unit == 'hours' else 'on'} {length} {unit}"
    if start + length == len(cells):
        if length == 1:
            return f"{said} today" if unit == "days" else f"{said} in the last hour"
        return f"{said} {'in' if unit == 'hours' else 'on'} the last {length} {unit}"
    first, last = cells[start].at, cells[start + length - 1].at
    if unit == "hours":
        return f"{said} {first:%H:%M} to {last + timedelta(hours=1):%H:%M} UTC"
    return f"{said} from {first.day} {MONTHS[first.month - 1]} to {last.day} {MONTHS[last.month - 1]}"


def _shares(targets: Sequence[TargetView]) -> str:
    """Return the share of good answers over each window, of the target that did worst; the last since it began."""
    since = min((at for it in targets if (at := it.watched_since or _first_seen(it.days))), default=None)
    items = ""
    for length, step in ((1, timedelta(hours=1)), *((length, timedelta(days=1)) for length in (7, 30, 90))):
        every = [it.cells if length == 1 else it.days[-length:] for it in targets]
        if since is None or any(its and since >= its[0].at + step for its in every):
            items += _share(f"since {_since(since, targets[0].days[-1].at)}" if since else "so far", every)
            break
        items += _share("24 h" if length == 1 else f"{length} d", every)
    return f'<dl class="pairs">{items}</dl>'


def _first_seen(days: Sequence[Cell]) -> datetime | None:
    for cell in days:
        if cell.ok + cell.degraded + cell.failed:
            return cell.at
    return None


def _span(seconds: float) -> str:
    hours, minutes = divmod(round(seconds) // 60, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _since(at: datetime, today: datetime) -> str:
    return f"{at:%H:%M}" if at.date() == today.date() else f"{at.day} {MONTHS[at.month - 1]}"


def _share(window: str, every: Iterable[Sequence[Cell]]) -> str:
    shares = []
    for cells in every:
        good, valid = 0, 0
        for cell in cells:
            good += cell.ok
            valid += cell.ok + cell.degraded + cell.failed
        if valid:
            shares.append(good / valid)
    words = percent(min(shares)) if shares else "no data"
    missed = ' class="missed"' if shares and min(shares) < 0.99 else ""
    return f"<div><dt>{window}</dt><dd{missed}>{words}</dd></div>"


def _badges(snapshot: Snapshot, marks: dict[str, Mark]) -> dict[str, bytes]:
    files = {}
    for provider in snapshot.providers:
        worst = _worst([marks[account.id] for account in provider.accounts])
        its = [(account.id, marks[account.id]) for account in provider.accounts]
        for place, label, mark in ((provider.id, provider.name, worst), *((id, id, mark) for id, mark in its)):
            files[f"badges/{place}.svg"] = _drawn(label, mark)
            document = {
                "schemaVersion": 1, "label": label, "message": MARKS[mark], "color": COLOURS[mark],
                "isError": mark is Mark.DOWN, "cacheSeconds": 60,
            }  # fmt: skip
            files[f"badges/{place}.json"] = (json.dumps(document) + "\n").encode()
    return files


def _drawn(label: str, mark: Mark) -> bytes:
    left, right, label, word = 7 * len(label) + 10, 7 * len(MARKS[mark]) + 10, escape(label), MARKS[mark]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {word}"><title>{label}: {word}</title><clipPath id="r"><rect width="{left + right}" '
        f'height="20" rx="3"/></clipPath><g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3d444d"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{GROUNDS[mark]}"/></g><g fill="#fff" '
        f'text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="{left // 2}" '
        f'y="14">{label}</text><text x="{left + right // 2}" y="14">{word}</text></g></svg>\n'
    ).encode()


def _api(snapshot: Snapshot, marks: dict[str, Mark], said: Sequence[str], mark: Mark) -> dict[str, bytes]:
    made = _iso_ms(snapshot.made_at)
    page = {"id": "provider-monitor", "name": snapshot.title, "url": "", "time_zone": "Etc/UTC", "updated_at": made}
    parts: list[dict[str, object]] = []
    for one in snapshot.providers:
        its = [account.id for account in one.accounts]
        worst = _worst([marks[id] for id in its])
        parts.append(_component(one.id, one.name, worst, len(parts) + 1, made, None) | {"components": its})
        for account in one.accounts:
            since = _iso_ms(account.since or snapshot.made_at)
            parts.append(_component(account.id, account.id, marks[account.id], len(parts) + 1, since, one.id))
    status = {"indicator": "none" if mark is Mark.UP else "minor", "description": " ".join(said)}
    empty: dict[str, object] = {"incidents": [], "scheduled_maintenances": []}
    documents: dict[str, dict[str, object]] = {
        "summary": {"components": parts, **empty, "status": status},
        "status": {"status": status},
        "components": {"components": parts},
        **{name: {"incidents": []} for name in ("incidents", "incidents/unresolved")},
        **{f"scheduled-maintenances{name}": {"scheduled_maintenances": []} for name in ("", "/upcoming", "/active")},
    }
    return {f"api/v2/{name}.json": _json({"page": page, **document}) for name, document in documents.items()}


def _component(id: str, name: str, mark: Mark, position: int, since: str, group: str | None) -> dict[str, object]:
    return {
        "id": id, "name": name, "status": STATUSES[mark], "created_at": since, "updated_at": since,
        "position": position, "description": "not known" if mark is Mark.UNKNOWN else None, "showcase": False,
        "start_date": None, "group_id": group, "page_id": "provider-monitor", "group": group is None,
        "only_show_if_degraded": False,
    }  # fmt: skip


def _durations(target: TargetView) -> dict[str, object]:
    total_s, first_s = round(target.latency.now_s or 0, 3), round(target.ttft.now_s or 0, 3)
    told = {"canary": target.canary, "model": target.model, "total_s": total_s}
    return {**told, "first_token_s": first_s, "tokens_per_s": None}


def _status(snapshot: Snapshot, marks: dict[str, Mark]) -> dict[str, object]:
    accounts = [
        {
            "id": account.id, "provider": provider.id, "state": account.state, "since": _iso_of(account.since),
            "fault": account.fault, "blame": _blame(account.fault), "credit": [], "mark": marks[account.id],
            "durations": [_durations(target) for target in account.targets],
        }
        for provider in snapshot.providers
        for account in provider.accounts
    ]  # fmt: skip
    stale = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return {
        "version": 1, "made_at": _iso(snapshot.made_at), "stale_after": _iso(stale), "location": snapshot.location,
        "simulated": snapshot.simulated, "accounts": accounts, "open_incidents": [], "status_sources": [],
        "objectives": [],
    }  # fmt: skip


def _usable(snapshot: Snapshot, marks: dict[str, Mark]) -> dict[str, object]:
    every, picked = {}, {}
    for provider in snapshot.providers:
        up = (account.id for account in provider.accounts if marks[account.id] is Mark.UP)
        picked[provider.id] = {"use": next(up, None)}
        for account in provider.accounts:
            every[account.id] = _usable_account(account, provider, marks[account.id])
    until = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return {
        "version": 1, "made_at": _iso(snapshot.made_at), "valid_until": _iso(until), "simulated": snapshot.simulated,
        "providers": picked, "accounts": every,
    }  # fmt: skip


def _usable_account(account: AccountView, provider: ProviderView, mark: Mark) -> dict[str, object]:
    works = None if mark is Mark.UNKNOWN else mark is not Mark.DOWN
    seen = [it.seen_at for it in account.targets if it.seen_at]
    until = _until(account)
    return {
        "provider": provider.id, "usable": works, "state": mark, "fault": account.fault,
        "blame": _blame(account.fault), "since": _iso_of(account.since), "confidence": None,
        "checked_at": _iso_of(min(seen, default=None)),
        "valid_until": None if works is None else _iso_of(min(until, default=None)),
        "retry_at": _iso_of(min((it.next_at for it in account.targets if it.next_at), default=None)), "warned": False,
        "abilities": {it.canary: works for it in account.targets},
    }  # fmt: skip


def _until(account: AccountView) -> list[datetime]:
    return [it.seen_at + timedelta(seconds=LATE_INTERVALS * it.interval_s) for it in account.targets if it.seen_at]


def _blame(fault: Fault | None) -> str | None:
    return fault.blame if fault else None


def _metrics(snapshot: Snapshot, marks: dict[str, Mark]) -> bytes:
    up = {Mark.UP: 1.0, Mark.SUSPECTED: 1.0, Mark.PARTLY: 0.5, Mark.DOWN: 0.0}
    accounts, known, offers, valids, costs = [], [], [], [], []
    probes, lasts, firsts, shares, seen = [], [], [], [], []
    for provider in snapshot.providers:
        for account in provider.accounts:
            labels, mark = f'provider="{provider.id}",account="{_quoted(account.name)}"', marks[account.id]
            accounts += [f"llm_account_up{{{labels}}} {up[mark]!r}"] if mark in up else []
            known.append(f"llm_account_known{{{labels}}} {float(mark is not Mark.UNKNOWN)!r}")
            offers.append(f"llm_account_offered{{{labels}}} {up.get(mark, 0.0)!r}")
            until = _until(account)
            its = [f"llm_account_valid_until_timestamp_seconds{{{labels}}} {min(until).timestamp()!r}"] if until else []
            valids += its if mark in up else []
            costs.append(f"llm_canary_cost_today_usd{{{labels}}} {account.spent_usd!r}")
            for it in account.targets:
                its, mark = (
                    f'{labels},canary="{it.canary}",model="{_quoted(it.model or "")}"',
                    _mark(it, snapshot.made_at),
                )
                probes += [f"llm_probe_up{{{its}}} {up[mark]!r}"] if mark in up else []
                lasts.append(f"llm_probe_duration_median_seconds{{{its}}} {it.latency.now_s!r}")
                firsts.append(f"llm_probe_first_token_median_seconds{{{its}}} {it.ttft.now_s!r}")
                shares.append(f"llm_probe_availability_ratio{{{its}}} {it.availability!r}")
                at = it.seen_at.timestamp() if it.seen_at else 0
                seen.append(f"llm_probe_last_seen_timestamp_seconds{{{its}}} {at!r}")
    made = snapshot.made_at.timestamp()
    gauges = (
        (f'llm_monitor_info{{version="{__version__}"}} 1.0', "The monitor that wrote this.", []),
        (f"llm_monitor_last_publish_timestamp_seconds {made!r}", "When this was written.", []),
        (
            "llm_account_up",
            "1: the account is usable, 0.5: usable, but something that is asked of it is lost, 0: not. "
            "Absent: not known.",
            accounts,
        ),
        ("llm_account_known", "1: whether the account is usable is known.", known),
        (
            "llm_account_offered",
            "1: `pick` may name the account: it is usable and not withheld, "
            "0: it does not, also where that is not known.",
            offers,
        ),
        (
            "llm_account_valid_until_timestamp_seconds",
            "Until when it may be believed that the account is usable; then it is not known.",
            valids,
        ),
        ("llm_probe_up", "1: the canary is answered well, 0: it is not. Absent: not known.", probes),
        ("llm_probe_duration_median_seconds", "Median of the last ten good answers.", lasts),
        (
            "llm_probe_first_token_median_seconds",
            "Median time to the first token, of the last ten good answers.",
            firsts,
        ),
        ("llm_probe_availability_ratio", "Share of good answers in the last 24 hours.", shares),
        ("llm_probe_last_seen_timestamp_seconds", "When the canary was last answered or refused.", seen),
        ("llm_canary_cost_today_usd", "What the canaries of the account have cost today (UTC).", costs),
    )
    lines = []
    for first, help, rest in gauges:
        name = first.partition("{")[0].partition(" ")[0]
        lines += [f"# TYPE {name} gauge", f"# HELP {name} {help}", *(rest or [first])]
    return "\n".join([*lines, "# EOF", ""]).encode()


def _feed(snapshot: Snapshot) -> bytes:
    title = escape(snapshot.title)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n'
        f"<id>{uuid5(SPACE, f'{snapshot.title} ').urn}</id>\n<title>{title}</title>\n"
        f"<updated>1970-01-01T00:00:00Z</updated>\n<author><name>{title}</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href="feed.xml"/>\n'
        f'<link rel="alternate" type="text/html" href="index.html"/>\n</feed>\n'
    ).encode()


def _calendar(snapshot: Snapshot) -> bytes:
    head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//provider-monitor//EN\r\n"
    zone = "BEGIN:VTIMEZONE\r\nTZID:UTC\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    zone += "TZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nTZNAME:UTC\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    return f"{head}X-WR-CALNAME:{snapshot.title}\r\n{zone}END:VCALENDAR\r\n".encode()


def _favicon(mark: Mark) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" role="img"><title>{MARKS[mark]}</title>'
        f'<circle cx="12" cy="12" r="11" fill="{GROUNDS[mark]}"/></svg>\n'
    ).encode()


def _headline(snapshot: Snapshot, marks: dict[str, Mark]) -> tuple[list[str], Mark]:
    """Return the sentence in pieces and the mark of the whole."""
    accounts = [account for provider in snapshot.providers for account in provider.accounts]
    other = [account for account in accounts if marks[account.id] is not Mark.UP]
    if not other:
        return [f"All {len(accounts)} accounts work."], Mark.UP
    causes = [f"{one.id}: {next((it.reason for it in one.targets if it.reason), 'not seen yet')};" for one in other[:3]]
    more = [f"and {len(other) - 3} more."] if len(other) > 3 else []
    lead = f"{len(other)} of {len(accounts)} accounts are not fully known:"
    return [lead, *causes, *more], Mark.UNKNOWN


def _account_mark(account: AccountView, now: datetime) -> Mark:
    return _worst([_mark(it, now) for it in account.targets])


def _mark(it: TargetView, now: datetime) -> Mark:
    if it.state != "up":
        return Mark(it.state)
    is_late = it.seen_at is None or now - it.seen_at > timedelta(seconds=LATE_INTERVALS * it.interval_s)
    return Mark.UNKNOWN if is_late else Mark.UP


def _worst(marks: Sequence[Mark]) -> Mark:
    return min(marks, key=ORDER.index)


def _icon(mark: Mark) -> str:
    return f'<svg class="i {mark}" aria-hidden="true"><use href="#{mark}"/></svg>'


def _href(account: AccountView) -> str:
    return f"accounts/{account.id}.html"


def _time(at: datetime, today: datetime | None = None) -> str:
    return f'<time datetime="{_iso(at)}">{_moment(at, today)}</time>'


def _time_here(at: datetime, today: datetime | None = None) -> str:
    return f'<time datetime="{_iso(at)}" data-local>{_moment(at, today)}</time>'


def _moment(at: datetime, today: datetime | None = None) -> str:
    if today and at.date() == today.date():
        return f"{at:%H:%M} UTC"
    year = "" if today and today.year == at.year else f" {at.year}"
    return f"{at.day} {MONTHS[at.month - 1]}{year}, {at:%H:%M} UTC"


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _iso_of(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _iso_ms(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _json(document: dict[str, object]) -> bytes:
    return (json.dumps(document, separators=(",", ":")) + "\n").encode()
