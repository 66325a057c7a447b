"""A snapshot → the files of the public site: providers and services only. What is not taken here does not get there.

Of an account only whether and when it was probed is used. The state of a provider comes from the provider's own
incidents and its own status page, that of a service from the incidents of its accounts, in words that name none of
them. Accounts at a base URL of their own count for services alone, and providers that the user defined do not appear.
The templates get `public_view` and nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import asdict, replace

from monitor.config.colour import LIGHT
from monitor.config.logo import logo_problem, read_head
from monitor.config.own_words import first_words, in_language
from monitor.config.public_page import light_brand, public_languages
from monitor.publish.badge import draw_badge
from monitor.publish.headline import Headline
from monitor.publish.history_bar import draw_outages, state_of_cell
from monitor.publish.history_days import HistoryDays, TroubleSpan, history_days
from monitor.publish.incident_text import ended_sentence, incidents_by_notice
from monitor.publish.json_text import encode
from monitor.publish.paths import incident_page, month_page, slug
from monitor.publish.picture import ROWS, draw_picture, read_colour
from monitor.publish.private_site import link_prefix, render_history, render_program_files, stage_of_note
from monitor.publish.public_incident import PublicIncident, is_providers_own, public_incidents
from monitor.publish.public_part import PublicPart, parts_in_language, public_parts, works
from monitor.publish.public_uptime import outage_days, outage_shares, part_since, part_windows
from monitor.publish.public_view import (
    PlannedRow,
    PublicBrand,
    PublicFrame,
    PublicFront,
    PublicGroup,
    PublicLine,
    PublicMonth,
    PublicRow,
    PublicStatusPages,
    PublicStory,
    PublicUpdate,
    SiteLink,
)
from monitor.publish.render import SiteTemplates, load_templates
from monitor.publish.snapshot import PlannedWindow, Snapshot, SourceView
from monitor.publish.source_text import build_status_pages
from monitor.publish.status import MARKS, CurrentState, Mark, current_state, mark_target, worst_mark
from monitor.publish.summary import (
    AnnouncedMaintenance,
    Component,
    IncidentEntry,
    SiteSummary,
    announced_maintenances,
    iso_millis,
)
from monitor.publish.theme import theme_style
from monitor.publish.uptime_text import describe_shares
from monitor.publish.view_model import LinkedText
from monitor.sentence.translation import PageLanguage
from monitor.slo.indicator import Cell
from monitor.words import capitalize
from probes.model import Blame
from probes.notice import Notice, NoticePhase
from probes.target_id import provider_of

FIXED = ("style.css", "page.js", "widget.css")
ROBOTS = b"User-agent: *\nAllow: /\n"
RECENT = 5
VERSION = 1
PICTURE = "picture.png"
ABILITIES: Final = {
    "list": "List of models",
    "chat": "Chat answers",
    "responses": "Responses",
    "embed": "Embeddings",
    "count": "Token counts",
    "command": "Client program",
}
"""Canaries that are shown, in plain words: a user-defined one may reveal something about the user."""
GROUP = "group"
"""The first level of the id of a group of services."""
LANGUAGE_NAMES: Final = {
    "ar": "العربية",
    "de": "Deutsch",
    "en": "English",
    "es": "Español",
    "fa": "فارسی",
    "fr": "Français",
    "he": "עברית",
    "it": "Italiano",
    "ja": "日本語",
    "ko": "한국어",
    "nl": "Nederlands",
    "pl": "Polski",
    "pt": "Português",
    "tr": "Türkçe",
    "uk": "Українська",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
}
"""Languages in their own words; others go by their code."""
WHAT = {Mark.DOWN: "unavailable", Mark.PARTLY: "partly unavailable"}
SLOW = "slower than usual"


def render(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the content of every file of the public site by its relative path.

    The first language is at the root; each other one is a whole site below it, in a folder of its name.
    """
    codes = public_languages(snapshot.manner.public, snapshot.manner.language)
    seen = _facts(snapshot, codes)
    files: dict[str, bytes] = {}
    for code in codes:
        below = "" if code == codes[0] else f"{code}/"
        files |= {f"{below}{name}": content for name, content in _render(seen, code).items()}
    return files


class PublicFacts(Struct, frozen=True):
    """What every language of the site is made of. `codes`: the languages, the first at the root.

    `its`: the incidents of each part, by its id; `days`: its last days in minutes of outage.
    """

    snapshot: Snapshot
    parts: list[PublicPart]
    outages: list[PublicIncident]
    its: Mapping[str, list[PublicIncident]]
    days: Mapping[str, list[Cell]]
    now: CurrentState
    codes: tuple[str, ...]
    logo: tuple[str, bytes] | None

    @property
    def at(self) -> datetime:
        return self.snapshot.made_at

    def title(self, code: str) -> str:
        return in_language(self.snapshot.manner.public_title, code)

    def address(self, code: str) -> str | None:
        """Return the URL of the site in a language; None: unknown."""
        url = self.snapshot.manner.public_url
        return url if url is None or code == self.codes[0] else f"{url.rstrip('/')}/{code}"


def _facts(snapshot: Snapshot, codes: tuple[str, ...]) -> PublicFacts:
    parts = public_parts(snapshot)
    outages = public_incidents(snapshot, parts)
    its = {part.id: [outage for outage in outages if outage.part == part.id] for part in parts}
    days = {part.id: outage_days(part, its[part.id], snapshot.made_at) for part in parts}
    return PublicFacts(snapshot, parts, outages, its, days, current_state(snapshot), codes, _logo(snapshot))


def _logo(snapshot: Snapshot) -> tuple[str, bytes] | None:
    """Return the logo's name on the site and its content; None if there is none, or the file no longer is one."""
    file = snapshot.manner.logo
    if file is None:
        return None
    try:
        content = read_head(file)
    except (OSError, ValueError):
        return None
    return None if logo_problem(file.name, content) else (f"logo{file.suffix}", content)


def _render(seen: PublicFacts, code: str) -> dict[str, bytes]:
    seen, snapshot = _in_language(seen, code), seen.snapshot
    it = load_templates(code, snapshot.manner.own)
    speech = it.speech
    lines = tuple(_line(part, seen, speech) for part in seen.parts)
    around = _frame(seen, code, speech)
    first = _front(seen, lines, speech)
    files = {name: it.copy(name) for name in (*FIXED, *it.added)}
    if seen.logo:
        files[seen.logo[0]] = seen.logo[1]
    if around.brand.themed:
        files["theme.css"] = theme_style(snapshot.manner.public.theme)
    files["robots.txt"] = ROBOTS
    files["favicon.svg"] = it.fill("favicon.svg", mark=first.headline.mark)
    files[PICTURE] = _picture(seen, first.headline.mark)
    files["badge.svg"] = _badge(seen.title(code), first.headline, it)
    files["index.html"] = it.fill("public.html", frame=around, **asdict(first))
    files["widget.html"] = it.fill("widget.html", frame=around, headline=first.headline)
    lost = replace(around, up=link_prefix(seen.address(code)), made=None)
    files["404.html"] = it.fill("404.html", frame=lost)
    files |= dict(render_history(_months(seen.outages, seen.at, speech), _history(seen, speech), around, it, ()))
    for outage in seen.outages:
        files[incident_page(outage.id)] = _incident(outage, around, seen.at, it)
    files["status.json"] = _status(seen, lines)
    files["schema/status.json"] = it.copy("schema/public-status.json")
    return files | dict(render_program_files(_board(seen, code, lines, first.headline, speech), it))


def _in_language(seen: PublicFacts, code: str) -> PublicFacts:
    """Return the facts with the words of the user's own in a language."""
    parts = parts_in_language(seen.parts, code)
    names = {part.id: part.name for part in parts}
    outages = [replace(outage, name=names[outage.part]) for outage in seen.outages]
    its = {id: [outage for outage in outages if outage.part == id] for id in names}
    return replace(seen, parts=parts, outages=outages, its=its)


def _picture(seen: PublicFacts, mark: Mark) -> bytes:
    strips = tuple(tuple(map(state_of_cell, seen.days[part.id])) for part in seen.parts[:ROWS])
    return draw_picture(mark, strips, read_colour(light_brand(seen.snapshot.manner.public.theme) or LIGHT.brand))


def _badge(title: str, first: Headline, it: SiteTemplates) -> bytes:
    word = it.speech.say(MARKS[first.mark])
    return it.fill("badge.svg", badge=draw_badge(title, first.mark, word))


def _front(seen: PublicFacts, lines: Sequence[PublicLine], speech: PageLanguage) -> PublicFront:
    open_ones = [one for one in seen.outages if one.closed_at is None]
    ended = [one for one in seen.outages if one.closed_at]
    first = _headline(seen, lines, open_ones, speech)
    return PublicFront(
        headline=first,
        detail=_detail(seen, lines, open_ones, first, speech) or _last_end(seen, first, speech),
        intro=in_language(seen.snapshot.manner.public.intro, speech.code),
        groups=tuple(_groups(seen.parts, lines)),
        providers=tuple(line for part, line in zip(seen.parts, lines, strict=True) if not part.is_service),
        open=tuple(_row(one, seen.at, speech) for one in open_ones),
        recent=tuple(_row(one, seen.at, speech) for one in ended[:RECENT]),
        planned=tuple(_planned_rows(seen, speech)),
        pages=_pages(_sources(seen), seen, speech),
    )


def _groups(parts: Sequence[PublicPart], lines: Sequence[PublicLine]) -> Iterator[PublicGroup]:
    """Yield the lines of the services by the name of their group."""
    services = ((part, line) for part, line in zip(parts, lines, strict=True) if part.is_service)
    for _, group in groupby(services, key=lambda one: one[0].group):
        its = list(group)
        yield PublicGroup(its[0][0].group_name, tuple(line for _, line in its))


def _frame(seen: PublicFacts, code: str, speech: PageLanguage) -> PublicFrame:
    snapshot = seen.snapshot
    due = snapshot.made_at + timedelta(seconds=snapshot.fresh_s)
    return PublicFrame(
        site=seen.title(code),
        simulated=snapshot.simulated,
        made=speech.moment(snapshot.made_at),
        due=speech.moment(due, snapshot.made_at),
        fresh_s=int(snapshot.fresh_s),
        span=speech.duration(snapshot.fresh_s),
        brand=_brand(seen, code),
    )


def _brand(seen: PublicFacts, code: str) -> PublicBrand:
    manner = seen.snapshot.manner
    told, address = manner.public, seen.address(code)
    below = f"{address.rstrip('/')}/" if address else ""
    return PublicBrand(
        logo=seen.logo[0] if seen.logo else "",
        themed=bool(theme_style(told.theme)),
        header=tuple(SiteLink(in_language(one.text, code), one.url) for one in told.header),
        footer=tuple(SiteLink(in_language(one.text, code), one.url) for one in told.footer),
        footer_words=in_language(told.footer_text, code),
        mail=f"mailto:{told.mail}?subject={quote(seen.title(code))}" if told.mail else "",
        calendar=f"webcal://{below.partition('://')[2]}maintenance.ics" if below else "",
        languages=tuple(_language_links(seen, code)),
        address=below,
        picture=f"{below}{PICTURE}" if below else "",
    )


def _language_links(seen: PublicFacts, here: str) -> Iterator[SiteLink]:
    """Yield a link to the front page in each other language, from the root of this one."""
    for code in seen.codes:
        if code != here:
            up = "" if here == seen.codes[0] else "../"
            below = "" if code == seen.codes[0] else f"{code}/"
            yield SiteLink(LANGUAGE_NAMES.get(code, code), f"{up}{below}index.html", code)


def _sources(seen: PublicFacts) -> list[SourceView]:
    ids = {part.id for part in seen.parts}
    return [source for source in seen.snapshot.sources if provider_of(source.id) in ids]


def _pages(sources: Sequence[SourceView], seen: PublicFacts, speech: PageLanguage) -> PublicStatusPages:
    """Return what the providers' pages say now; what they plan stands among the maintenances."""
    providers = {provider_of(source.id) for source in sources}
    theirs = (view.incident for view in seen.snapshot.open_incidents if is_providers_own(view.incident, providers))
    now_only = [replace(one, notices=tuple(it for it in one.notices if not _is_dated(it))) for one in sources]
    told = build_status_pages(now_only, seen.at, speech, incidents_by_notice(theirs))
    quiet = build_status_pages(sources, seen.at, speech, {}).quiet
    return PublicStatusPages(notices=told.notices, quiet=quiet)


def _is_dated(notice: Notice) -> bool:
    return notice.planned and notice.began_at is not None


def _line(part: PublicPart, seen: PublicFacts, speech: PageLanguage) -> PublicLine:
    its, now = seen.its[part.id], seen.at
    mark = _mark(part, its, seen.now)
    shares = outage_shares(part, its, now)
    return PublicLine(
        name=part.name,
        about=part.about,
        mark=mark,
        state=speech.say(MARKS[mark]),
        abilities=() if part.is_service else _abilities(part, mark, seen.now, speech),
        ninety=draw_outages(seen.days[part.id], speech),
        shares=describe_shares(shares, part_windows(part), part_since(part), seen.snapshot.manner.slo, now, speech),
    )


def _mark(part: PublicPart, outages: Sequence[PublicIncident], now: CurrentState) -> Mark:
    """Return the mark of a part: that of its open incident, else whether it is seen to work."""
    open_ones = [outage for outage in outages if outage.closed_at is None]
    if now.offline:
        return Mark.UNKNOWN
    if open_ones:
        return worst_mark([outage.mark for outage in open_ones])
    return Mark.UP if works(part, now) else Mark.UNKNOWN


def _abilities(
    part: PublicPart, mark: Mark, now: CurrentState, speech: PageLanguage
) -> tuple[tuple[str, Mark, str], ...]:
    """Return each kind of canary, and whether an account proves that it works."""
    kinds: dict[str, bool] = {}
    for target in (one for its in part.targets for one in its if one.canary in ABILITIES):
        kinds[target.canary] = kinds.get(target.canary, False) or mark_target(target, now) is Mark.UP
    marks = {kind: Mark.UP if works and mark is Mark.UP else mark if mark.is_trouble else Mark.UNKNOWN
             for kind, works in kinds.items()}  # fmt: skip
    return tuple((speech.say(ABILITIES[kind]), its, speech.say(MARKS[its])) for kind, its in marks.items())


def _headline(
    seen: PublicFacts, lines: Sequence[PublicLine], open_ones: Sequence[PublicIncident], speech: PageLanguage
) -> Headline:
    """Give the state of all parts in a sentence."""
    every = list(zip(seen.parts, lines, strict=True))
    sick = [(part, line) for part, line in every if line.mark.is_trouble]
    unknown = [(part, line) for part, line in every if line.mark is Mark.UNKNOWN]
    if not lines:
        return Headline(Mark.UNKNOWN, _nothing(seen, speech), speech=speech)
    if len(sick) == 1:
        ((part, line),) = sick
        return Headline(line.mark, speech.about(line.name, _what(part, line, open_ones, speech)), speech=speech)
    if sick:
        causes = tuple(speech.about(line.name, line.state) for _, line in sick)
        lead = _count_sick([part for part, _ in sick], speech)
        return Headline(worst_mark([line.mark for _, line in sick]), lead, causes, speech=speech)
    if unknown:
        names = tuple(line.name for _, line in unknown)
        return Headline(Mark.UNKNOWN, _count_unknown([part for part, _ in unknown], speech), names, speech=speech)
    return Headline(Mark.UP, _all_work(seen.parts, speech), speech=speech)


def _count_sick(parts: Sequence[PublicPart], speech: PageLanguage) -> str:
    services, providers = _numbers(parts)
    ours = speech.many(services, "{n} service has trouble", "{n} services have trouble")
    theirs = speech.many(providers, "{n} provider has trouble", "{n} providers have trouble")
    return speech.clauses((ours,) * bool(services) + (theirs,) * bool(providers))


def _count_unknown(parts: Sequence[PublicPart], speech: PageLanguage) -> str:
    services, providers = _numbers(parts)
    ours = speech.many(services, "{n} service is not fully known", "{n} services are not fully known")
    theirs = speech.many(providers, "{n} provider is not fully known", "{n} providers are not fully known")
    return speech.clauses((ours,) * bool(services) + (theirs,) * bool(providers))


def _numbers(parts: Sequence[PublicPart]) -> tuple[int, int]:
    """Return the numbers of services and of providers: they are two kinds of things, and counted apart."""
    services = sum(part.is_service for part in parts)
    return services, len(parts) - services


def _all_work(parts: Sequence[PublicPart], speech: PageLanguage) -> str:
    services, providers = _numbers(parts)
    if services and providers:
        return speech.say("All services and providers work")
    return speech.say("All services work") if services else speech.say("All providers we watch work")


def _nothing(seen: PublicFacts, speech: PageLanguage) -> str:
    """Say that there is no line: nothing is watched, or nothing of it has a name for the public."""
    if any(provider.accounts for provider in seen.snapshot.providers):
        return speech.say("Nothing is shown here yet")
    return speech.say("No provider is watched yet")


def _what(part: PublicPart, line: PublicLine, open_ones: Sequence[PublicIncident], speech: PageLanguage) -> str:
    """Say in plain words what is wrong with the one part that has trouble."""
    its = [one for one in open_ones if one.part == part.id]
    slow = line.mark is Mark.PARTLY and bool(its) and all(one.slow for one in its)
    return speech.say(SLOW if slow else WHAT[line.mark])


def _detail(
    seen: PublicFacts,
    lines: Sequence[PublicLine],
    open_ones: Sequence[PublicIncident],
    first: Headline,
    speech: PageLanguage,
) -> tuple[LinkedText, ...]:
    """Return the sentence below the headline: which parts, since when, and that all others work."""
    if first.causes:
        return (LinkedText(speech.say("{lead}.", lead=speech.clauses(first.causes))),)
    if not first.mark.is_trouble:
        return ()
    part, sick = next(one for one in zip(seen.parts, lines, strict=True) if one[1].mark.is_trouble)
    since = min(one.opened_at for one in open_ones if one.part == part.id)
    said = [speech.say("Since {time}.", time=speech.moment(since, seen.at).words)]
    if len(lines) > 1 and all(line.mark.works for line in lines if line is not sick):
        said.append(speech.say("Everything else works."))
    return (LinkedText(speech.sentences(said)),)


def _last_end(seen: PublicFacts, first: Headline, speech: PageLanguage) -> tuple[LinkedText, ...]:
    """Say of a page on which all is well when the last incident ended."""
    ended = [(one.closed_at, one.id) for one in seen.outages if one.closed_at]
    if first.mark is not Mark.UP or len(ended) < len(seen.outages) or not ended:
        return ()
    at, id = max(ended)
    return ended_sentence(at, incident_page(id), seen.at, speech)


def _title(outage: PublicIncident, speech: PageLanguage) -> str:
    if outage.fault:
        return speech.about(outage.name, speech.fault(outage.fault))
    is_down = any(phase.mark is Mark.DOWN for phase in outage.phases)
    said = WHAT[Mark.DOWN] if is_down else SLOW if outage.slow else WHAT[Mark.PARTLY]
    return speech.about(outage.name, speech.say(said))


def _row(outage: PublicIncident, made_at: datetime, speech: PageLanguage) -> PublicRow:
    until = outage.closed_at or made_at
    return PublicRow(
        href=incident_page(outage.id),
        name=outage.name,
        title=_title(outage, speech),
        mark=outage.mark,
        whose=_whose(outage, speech),
        began=speech.moment(outage.opened_at),
        lasted=speech.duration((until - outage.opened_at).total_seconds()),
        lead=capitalize(speech.lead(outage.lead)),
        updates=tuple(_updates(outage, made_at, speech)),
    )


def _updates(outage: PublicIncident, made_at: datetime, speech: PageLanguage) -> Iterator[PublicUpdate]:
    """Yield the updates of an incident, newest first: what people wrote, how it changed, its begin and end."""
    told = [
        (note.at, PublicUpdate(speech.moment(note.at, made_at), speech.say("Update"), note.text))
        for note in outage.notes
    ]
    for phase in outage.phases:
        said = speech.fault(outage.fault) if outage.fault else speech.say(SLOW if outage.slow else WHAT[phase.mark])
        told.append((phase.start, PublicUpdate(speech.moment(phase.start, made_at), capitalize(said))))
    if outage.closed_at:
        told.append((outage.closed_at, PublicUpdate(speech.moment(outage.closed_at, made_at), speech.say("Ended"))))
    yield from (update for _, update in sorted(told, key=lambda one: one[0], reverse=True))


def _planned_rows(seen: PublicFacts, speech: PageLanguage) -> Iterator[PlannedRow]:
    """Yield the maintenances ahead and under way, the next first."""
    for work in _works(seen, speech):
        yield PlannedRow(
            name=work.provider,
            words=work.title,
            begins=speech.moment(work.begins_at, seen.at),
            until=speech.moment(work.ends_at, work.begins_at).words,
            under_way=work.begins_at <= seen.at,
            href=work.url or "",
        )


def _works(seen: PublicFacts, speech: PageLanguage) -> list[AnnouncedMaintenance]:
    theirs = [one for one in announced_maintenances(_sources(seen)) if one.ends_at > seen.at]
    ours = [_own_work(one, seen.at, speech.code) for one in seen.snapshot.planned]
    return sorted([*theirs, *ours], key=lambda one: one.begins_at)


def _own_work(one: PlannedWindow, now: datetime, code: str) -> AnnouncedMaintenance:
    return AnnouncedMaintenance(
        id=f"own/{one.begins_at:%Y%m%dT%H%M}/{slug(first_words(one.words))}",
        provider="",
        title=in_language(one.words, code),
        url=None,
        phase=NoticePhase.SCHEDULED if one.begins_at > now else NoticePhase.IN_PROGRESS,
        begins_at=one.begins_at,
        ends_at=one.ends_at,
        text="",
    )


def _months(outages: Sequence[PublicIncident], made_at: datetime, speech: PageLanguage) -> list[PublicMonth]:
    """Return the months, newest first, with their closed incidents."""
    found: dict[str, list[PublicIncident]] = {}
    for outage in outages:
        if outage.closed_at:
            found.setdefault(month_page(outage.opened_at), []).append(outage)
    return [
        PublicMonth(speech.month(its[0].opened_at), href, tuple(_row(one, made_at, speech) for one in its))
        for href, its in sorted(found.items(), reverse=True)
    ]


def _history(seen: PublicFacts, speech: PageLanguage) -> HistoryDays:
    spans = [
        TroubleSpan(one.id, phase.start, phase.end, _whose(one, speech), phase.mark is Mark.DOWN)
        for one in seen.outages
        for phase in one.phases
    ]
    since = min((at for part in seen.parts if (at := part_since(part))), default=None)
    return history_days(spans, since, seen.at, speech)


def _whose(outage: PublicIncident, speech: PageLanguage) -> str:
    return capitalize(speech.blame(Blame.PROVIDER)) if outage.fault else ""


def _incident(outage: PublicIncident, around: PublicFrame, made_at: datetime, it: SiteTemplates) -> bytes:
    around = replace(around, up="../")
    if outage.closed_at:
        around = replace(around, made=None, due=None)
    scope = "the provider" if outage.whole else "a part of it"
    tale = PublicStory(
        row=_row(outage, made_at, it.speech),
        is_open=outage.closed_at is None,
        ended=it.speech.moment(outage.closed_at) if outage.closed_at else None,
        scope=capitalize(it.speech.say(scope)) if outage.fault else outage.name,
        announced=outage.announced,
    )
    return it.fill("public-incident.html", frame=around, tale=tale)


def _status(seen: PublicFacts, lines: Sequence[PublicLine]) -> bytes:
    marked = list(zip(seen.parts, lines, strict=True))
    document = {
        "version": VERSION,
        "made_at": iso_millis(seen.at),
        "stale_after": iso_millis(seen.at + timedelta(seconds=seen.snapshot.fresh_s)),
        "simulated": seen.snapshot.simulated,
        "providers": [{"id": one.id, "mark": line.mark} for one, line in marked if not one.is_service],
        "services": [
            {"id": one.id, "name": one.name, "group": one.group_name or None, "mark": line.mark}
            for one, line in marked
            if one.is_service
        ],
    }
    return encode(document)


def _board(
    seen: PublicFacts, code: str, lines: Sequence[PublicLine], first: Headline, speech: PageLanguage
) -> SiteSummary:
    return SiteSummary(
        title=seen.title(code),
        url=seen.address(code),
        made_at=seen.at,
        mark=first.mark,
        words=first.sentence,
        parts=tuple(_components(seen.parts, lines)),
        cases=tuple(_case(outage, speech) for outage in seen.outages),
        works=tuple(_works(seen, speech)),
    )


def _components(parts: Sequence[PublicPart], lines: Sequence[PublicLine]) -> Iterator[Component]:
    """Yield a component for each part, and before the first of a group one for the group."""
    marks: dict[str, list[Mark]] = {}
    for part, line in zip(parts, lines, strict=True):
        marks.setdefault(part.group or "", []).append(line.mark)
    told = set[str]()
    for part, line in zip(parts, lines, strict=True):
        group = f"{GROUP}/{slug(part.group)}" if part.group else None
        if part.group and group and group not in told:
            told.add(group)
            yield Component(group, part.group_name, worst_mark(marks[part.group]))
        yield Component(part.id, part.name, line.mark, group)


def _case(outage: PublicIncident, speech: PageLanguage) -> IncidentEntry:
    title = _title(outage, speech)
    updates = [(outage.opened_at, "identified" if outage.closed_at else "investigating", title)]
    for note in outage.notes:
        updates.append((note.at, stage_of_note(note.at, outage.closed_at, updates[0][1]), note.text))
    if outage.closed_at:
        updates.append((outage.closed_at, "resolved", speech.say("Ended")))
    return IncidentEntry(
        id=outage.id,
        title=title,
        severity=outage.severity,
        opened_at=outage.opened_at,
        closed_at=outage.closed_at,
        parts=(outage.part,),
        path=incident_page(outage.id),
        updates=tuple(updates),
    )
