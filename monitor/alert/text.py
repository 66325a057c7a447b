"""What to report → the words, from the templates in templates/alerts/ or a folder of the user's."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from os.path import isfile
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import escape
from msgspec import Struct, field
from msgspec.structs import asdict, replace

from monitor import words
from monitor.alert.case import END_STEPS, Step
from monitor.alert.channel import Detail, Format
from monitor.alert.evidence import evidence_lines
from monitor.alert.grouping import can_be_part_of
from monitor.alert.markup import as_format, code, in_markdown
from monitor.alert.storage_notice import StorageEventKind, read_notice
from monitor.deadline import run_within
from monitor.diagnose.incident import Change, ChangeKind, Incident, Severity
from monitor.diagnose.lifecycle import WIDTH
from monitor.diagnose.subject import Scope
from monitor.sentence.reason import with_sentences
from monitor.sentence.translation import ENGLISH, PageLanguage
from monitor.sentence.unused_template import UnusedTemplate
from probes.model import Blame, Fault
from probes.phrase import Phrase, Sentences

log = logging.getLogger("monitor")

TEMPLATE_FOLDER = Path(__file__).parents[2] / "templates" / "alerts"

HEADS = {
    Step.OPENED: "DOWN",
    Step.CHANGED: "CHANGED",
    Step.RESOLVED: "RESOLVED",
    Step.REMINDER: "STILL DOWN",
    Step.ESCALATED: "ESCALATED",
    Step.MISSED: "WHILE QUIET",
}
SIGNAL_HEADS = {Step.OPENED: "AT RISK", Step.REMINDER: "STILL AT RISK"}
FLAPPING, GAP, UNWATCHED = "FLAPPING", "GAP", "NO LONGER WATCHED"
ENDINGS = {Format.TEXT: "txt", Format.MARKDOWN: "md", Format.HTML: "html"}
LISTED = 30
"""Most incidents in one message; the rest is counted."""
LONGEST_S = 0.5
"""Seconds after which a user's own template is not used: it would delay every probe."""
ENDLESS = "it does not end"


TROUBLED = WIDTH[: WIDTH.index(Scope.MONITOR) + 1]
"""Scopes that can be down, from narrow to wide; the others are of pages, dates and objectives."""


class UsableAccount(Struct, frozen=True):
    """Another account that works, when that was last seen, and why it may be the next to be lost."""

    account: str
    seen_at: datetime
    caution: Phrase | None = None


NOBODY = "nothing else watched here is known to work now"


class MessageContext(Struct, frozen=True):
    """What a message says besides the incident. `url` is None if the page has no public address.

    `replaced`: if none is `usable`, the message says so. `links` are signed addresses by what they do. `times` and
    `downtime_s` are those of the same trouble within 24 hours, this time included.
    """

    location: str
    simulated: bool
    advice: Sentences
    usable: Sequence[UsableAccount] = ()
    replaced: bool = False
    url: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    downtime_s: float = 0


class MessagePart(Struct, frozen=True):
    """One incident's part of a message. `first`: nothing of it got through to this channel before.

    `row` says how often it has flapped, if this is the outage that makes it flapping.
    """

    step: Step
    number: int
    change: Change
    around: MessageContext
    first: bool = False
    row: tuple[str, ...] = ()

    @property
    def shown(self) -> Step:
        """The step as the reader sees it: a reminder is an opening to those whom nothing reached before."""
        return Step.OPENED if self.first and self.step in (Step.CHANGED, Step.REMINDER) else self.step

    @property
    def head(self) -> str:
        if self.change.incident.is_absence or (self.change.incident.is_offline and self.step is Step.MISSED):
            return GAP
        if self.change.kind is ChangeKind.WITHDRAWN:
            return UNWATCHED
        if self.change.incident.is_silence and self.shown is Step.OPENED:
            return GAP
        if self.row and self.shown is Step.OPENED:
            return FLAPPING
        return SIGNAL_HEADS.get(self.shown, HEADS[self.shown]) if self.change.incident.signal else HEADS[self.shown]


class IncidentNews(Struct, frozen=True):
    """What a message reports of one incident, for a service that keeps one alert for each.

    `over`: the alert is closed. `unheard`: no earlier message about it got through. `text` is plain, `link` the page of
    the incident, "" for none; `links` are signed addresses by what they do.
    """

    id: str
    step: Step
    over: bool
    unheard: bool
    severity: Severity
    subject: str
    scope: Scope
    fault: Fault
    opened_at: datetime
    closed_at: datetime | None
    drill: bool
    simulated: bool
    title: str
    text: str
    link: str
    links: Mapping[str, str]


class MessageText(Struct, frozen=True):
    """A message. `brief` is plain text of a few lines, for what is too small for `body` and for `shorter`.

    `shorter` is `body` without the evidence, or with fewer incidents; "" if there is no such form. `link` is the page
    that it is about, "" for none. `id` names the message, the same at each try. `news` and `closes` are for services
    that keep one alert for each incident: what to tell of each, and the ids of others that are over by now. A message
    about no incident has a `topic` instead, if it is about something that stays.
    """

    title: str
    body: str
    brief: str
    format: Format = Format.TEXT
    shorter: str = ""
    link: str = ""
    id: str = ""
    location: str = ""
    news: tuple[IncidentNews, ...] = ()
    closes: tuple[str, ...] = ()
    topic: str = ""


class DigestSummary(Struct, frozen=True):
    """What a digest covers: the incidents of a span."""

    since: datetime
    until: datetime
    incidents: Sequence[Incident]
    location: str
    url: str | None = None


class MessageTemplates:
    """The templates; those in the user's folder first. `warnings` holds what is wrong with those."""

    def __init__(self, folder: Path | None = None, shipped: Path = TEMPLATE_FOLDER) -> None:
        self._shipped = _shipped_templates(shipped)
        self._own = folder and _environment(ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(shipped)]))
        self._folder, self._shipped_folder = folder, shipped
        self._endless: set[Template] = set()
        self.warnings: dict[str, UnusedTemplate] = {}

    def load(self) -> None:
        """Compile the shipped templates, so that the first message need not wait for it."""
        for name in self._shipped.list_templates():
            self._shipped.get_template(name)

    def fill(self, name: str, values: Mapping[str, object]) -> str:
        """Return a template's text; if the user's own fails, that of the shipped one.

        If an upgrade removed that one before its first use, return the bare values.
        """
        self.warnings.pop(name, None)
        for templates, folder in ((self._own, self._folder), (self._shipped, self._shipped_folder)):
            try:
                if templates:
                    return self._filled(templates.get_template(name), values).strip() + "\n"
            except Exception as error:  # noqa: BLE001 - a template may raise anything, and the message must go out
                self.warnings[name] = UnusedTemplate(folder or self._shipped_folder, name, _reason(error))
        return _bare(values, is_html=name.endswith(".html.j2"))

    def _filled(self, template: Template, values: Mapping[str, object]) -> str:
        """Fill a template. A user's own template that does not end is tried only once until it is changed."""
        if template.environment is self._shipped:
            return template.render(values)
        if template in self._endless:
            raise TimeoutError(ENDLESS)
        try:
            return run_within(LONGEST_S, lambda: template.render(values))
        except TimeoutError:
            self._endless.add(template)
            raise

    def problems(self) -> list[tuple[str, str]]:
        """Return the names of the user's templates that cannot be read, or replace nothing, with the reason."""
        if not (self._own and self._folder):
            return []
        known, found = set(self._shipped.list_templates()), []
        for name in sorted(path.name for path in self._folder.glob("*.j2")):
            if not isfile(self._folder / name):  # Jinja skips it silently
                found.append((name, NO_FILE))
                continue
            try:
                self._own.get_template(name)
            except (TemplateError, UnicodeDecodeError, OSError) as error:
                found.append((name, _reason(error)))
            else:
                found += [] if name in known else [(name, f"replaces none of {', '.join(sorted(known))}")]
        return found


class MessageStyle(Struct, frozen=True):
    """How a channel gets its messages: how long, in which format and which language.

    `apart`: it is also told of each incident by itself, for a service that keeps one alert for each.
    """

    templates: MessageTemplates
    detail: Detail = Detail.FULL
    format: Format = Format.TEXT
    language: PageLanguage = ENGLISH
    apart: bool = False

    def fill(self, name: str, values: Mapping[str, object]) -> str:
        its = self.language
        return self.templates.fill(name, {**values, "_": its.say, "many": its.many, "clauses": its.clauses})

    def written(
        self,
        title: str,
        brief: str,
        name: str,
        values: Mapping[str, object],
        fewer: Mapping[str, object] | None = None,
        link: str = "",
    ) -> MessageText:
        """Return the message that the templates of this name make, or only its `brief`.

        `fewer` are the values of its shorter form, None if it has none.
        """
        if self.detail is Detail.SHORT:
            return MessageText(title, as_format(brief, self.format), brief, self.format, link=link)
        shorter = self._body(name, {**values, **fewer}) if fewer else ""
        return MessageText(title, self._body(name, values), brief, self.format, shorter, link)

    def _body(self, name: str, values: Mapping[str, object]) -> str:
        body = self.fill(f"{name}.{ENDINGS[self.format]}.j2", values)
        if self.format is Format.HTML and self.language.direction == "rtl":
            return f'<div dir="rtl" lang="{self.language.code}">\n{body}</div>\n'
        return body


NO_FILE = "is a folder, a pipe or a link that leads nowhere, and no file"


def _bare(values: Mapping[str, object], *, is_html: bool) -> str:
    text = "".join(f"{name}: {value}\n" for name, value in values.items() if value and isinstance(value, str))
    return f"<pre>{escape(text)}</pre>\n" if is_html else text


def _reason(error: Exception) -> str:
    line = getattr(error, "lineno", None)
    return f"{type(error).__name__}: {error}" + (f" (line {line})" if line else "")


def compose(pieces: Sequence[MessagePart], style: MessageStyle, now: datetime) -> MessageText:
    """Return one message: about one incident, or a list of several."""
    language = style.language
    news = tuple(_news(piece, style, now) for piece in pieces) if style.apart else ()
    pieces = _joined(pieces, language)
    text = _about_one(pieces[0], style, now) if len(pieces) == 1 else _list(pieces, style, now)
    return replace(text, news=news, location=pieces[0].around.location)


def _about_one(piece: MessagePart, style: MessageStyle, now: datetime) -> MessageText:
    values = _values(piece, now, style.language)
    fewer = WITHOUT_EVIDENCE if values["reasons"] or values["proofs"] else None
    brief, page = style.fill("short.txt.j2", values), str(values["page"])
    return style.written(_title([piece], style.language), brief, "incident", values, fewer, page)


WITHOUT_EVIDENCE: Mapping[str, object] = {"reasons": [], "proofs": [], "more_proofs": 0}
"""What a message lacks first if it is too long: the incident's page has it."""
FEWER = 5
"""Most incidents in a list that would be too long otherwise."""


def _list(pieces: Sequence[MessagePart], style: MessageStyle, now: datetime) -> MessageText:
    language, count = style.language, len(pieces)
    shown = [_values(piece, now, language) for piece in pieces[:LISTED]]
    page = f"{url}/" if (url := pieces[0].around.url) else ""
    values = {"items": shown, "more": count - len(shown), "around": shown[0]["around"], "count": count}
    fewer = {"items": shown[:FEWER], "more": count - FEWER} if count > FEWER else None
    lines = [language.about(str(one["head"]), str(one["what"])) for one in shown[:FEWER]]
    lines += [language.say("and {n} more", n=count - FEWER)] if count > FEWER else []
    brief = "".join(f"{line}\n" for line in [*lines, page] if line)
    return style.written(_title(pieces, language), brief, "list", values, fewer, page)


def _news(piece: MessagePart, style: MessageStyle, now: datetime) -> IncidentNews:
    one, values = piece.change.incident, _values(piece, now, style.language)
    return IncidentNews(
        id=one.id,
        step=piece.step,
        over=piece.step in END_STEPS,
        unheard=piece.first or piece.step is Step.MISSED,
        severity=one.severity,
        subject=one.subject,
        scope=one.scope,
        fault=one.fault,
        opened_at=one.opened_at,
        closed_at=one.closed_at,
        drill=one.drill,
        simulated=piece.around.simulated,
        title=_title([piece], style.language),
        text=style.fill("short.txt.j2" if style.detail is Detail.SHORT else "incident.txt.j2", values),
        link=str(values["page"]),
        links={style.language.say(name): link for name, link in piece.around.links.items()},
    )


def _joined(pieces: Sequence[MessagePart], language: PageLanguage) -> list[MessagePart]:
    """Return an outage together with the flapping that it makes, if both open now: it is down, and flapping."""
    joined = [one if not one.change.incident.is_flap else replace(one, row=_turns(one, language)) for one in pieces]
    for row in [one for one in joined if one.row and one.step is Step.OPENED]:
        its = [one for one in joined if one.step is Step.OPENED and _is_time_of(one, row)]
        if len(its) == 1:
            joined[joined.index(its[0])] = replace(its[0], row=row.row)
            joined.remove(row)
    return joined


def _turns(row: MessagePart, language: PageLanguage) -> tuple[str, ...]:
    return tuple(language.reasons(row.change.incident))


def _is_time_of(one: MessagePart, row: MessagePart) -> bool:
    return not one.change.incident.is_flap and can_be_part_of(row.change.incident, one.change.incident)


def compose_digest(summary: DigestSummary, style: MessageStyle) -> MessageText:
    language = style.language
    still = [one for one in summary.incidents if not one.closed_at or one.closed_at > summary.until]
    over = [one for one in summary.incidents if one not in still]
    since, until = (language.moment(at).words for at in (summary.since, summary.until))
    title = language.say("[DIGEST] {open} open, {over} over since {time}", open=len(still), over=len(over), time=since)
    brief = "".join(language.say("open: {what}", what=language.title(one)) + "\n" for one in still[:5])
    values: dict[str, Any] = {
        "since": since,
        "until": until,
        "open": [_line(one, summary.until, language) for one in still[:LISTED]],
        "over": [_line(one, summary.until, language) for one in over[:LISTED]],
        "more": max(0, len(still) - LISTED) + max(0, len(over) - LISTED),
        "location": summary.location,
        "url": summary.url,
    }
    brief = brief or language.say("Nothing is open.") + "\n"
    page = f"{summary.url}/" if summary.url else ""
    few = {"open": values["open"][:FEWER], "over": values["over"][:FEWER]}
    fewer = {**few, "more": len(summary.incidents) - sum(map(len, few.values()))}
    text = style.written(title, f"{brief}{page}".strip() + "\n", "digest", values, fewer, page)
    return replace(text, location=summary.location)


def compose_channel_failure(name: str, reason: str, location: str, style: MessageStyle) -> MessageText:
    """Return the message that the channel of this name does not work."""
    say = style.language.say
    title = say("[CHANNEL FAILING] messages to {name} are not getting through", name=name)
    again = say("Try it: {command}", command=f"provider-monitor alerts test {name}")
    values = {"name": name, "reason": reason, "location": location}
    text = style.written(title, f"{reason}\n{again}\n", "failing", values)
    return replace(text, location=location, topic=f"channel {name}")


def compose_storage_notice(note: str, location: str, style: MessageStyle) -> MessageText:
    """Return the message that the database cannot be written, or what else became of it."""
    news, what = read_notice(note)
    say = style.language.say
    brief = what or say("What was seen in the meantime is written there now.")
    values: dict[str, object] = {"news": news, "words": what, "location": location}
    text = style.written(say(TITLES[news]), f"{brief}\n", "store", values)
    return replace(text, location=location, topic="database")


TITLES = {
    StorageEventKind.REFUSED: "[MONITOR] results cannot be written; alerts go on from memory",
    StorageEventKind.BACK: "[MONITOR] results are written again",
    StorageEventKind.EVENT: "[MONITOR] the database was lost or broken; watching goes on",
}


def _line(incident: Incident, until: datetime, language: PageLanguage) -> dict[str, object]:
    lasted_s = ((incident.closed_at or until) - incident.opened_at).total_seconds()
    return {
        "what": language.title(incident),
        "since": language.moment(incident.opened_at).words,
        "lasted": language.duration(lasted_s),
        "severity": language.say(incident.severity),
        "away": incident.scope is Scope.MONITOR,
    }


def _title(pieces: Sequence[MessagePart], language: PageLanguage) -> str:
    marks = [mark for mark in MARKS if all(mark in _marks(piece) for piece in pieces)]
    before = "".join(f"[{language.say(mark)}] " for mark in marks)
    if len(pieces) == 1:
        return f"{before}[{language.say(pieces[0].head)}] {language.title(pieces[0].change.incident)}"
    gravest_first = sorted(pieces, key=_gravity, reverse=True)
    heads = Counter(piece.head for piece in gravest_first)
    counted = language.items(f"{number} {language.say(head)}" for head, number in heads.items())
    worst = language.title(gravest_first[0].change.incident)
    return f"{before}[{counted}] " + language.say("{what}, and {n} more", what=worst, n=len(pieces) - 1)


def _gravity(piece: MessagePart) -> tuple[bool, int, int]:
    """An open incident is graver than any that is over; among equals the widest says most."""
    incident = piece.change.incident
    width = WIDTH.index(incident.scope) if incident.scope in TROUBLED else -1
    return piece.step not in END_STEPS, incident.severity.rank, width


DRILL, SIMULATED = MARKS = "DRILL", "SIMULATED"


def _marks(piece: MessagePart) -> list[str]:
    there = {DRILL: piece.change.incident.drill, SIMULATED: piece.around.simulated}
    return [mark for mark in MARKS if there[mark]]


def _values(piece: MessagePart, now: datetime, language: PageLanguage) -> dict[str, object]:
    incident, around = piece.change.incident, piece.around
    lasted_s = ((incident.closed_at or now) - incident.opened_at).total_seconds()
    in_words = with_sentences(incident, language)
    proofs, more_proofs = evidence_lines(incident.evidence, language, apart=incident.signal)
    return {
        "incident": in_words,
        "reasons": list(in_words.reasons),
        "proofs": proofs,
        "more_proofs": more_proofs,
        "around": _around(around, language),
        "step": piece.shown,
        "first": piece.first,
        "head": language.say(piece.head),
        "marks": _marks(piece),
        "what": language.title(incident),
        "away": incident.scope is Scope.MONITOR,
        "gap": incident.is_absence,
        "unseen": words.unwatched_accounts(incident, language),
        "whose": _whose(incident, language),
        "over": language.say(_over(piece.change)),
        "revived": _is_revived(piece.change),
        "since": language.moment(incident.opened_at).words,
        "ended": language.moment(incident.closed_at).words if incident.closed_at else "",
        "lasted": language.duration(lasted_s),
        "lead": language.lead(incident.lead),
        "row": list(piece.row),
        "downtime": _downtime(incident, around.downtime_s, language),
        "usable": [_instead(one, now, language) for one in around.usable] or [language.say(NOBODY)] * around.replaced,
        "page": f"{around.url}/incidents/{incident.id}.html" if around.url else "",
    }


def _around(it: MessageContext, language: PageLanguage) -> dict[str, object]:
    """Return what a message says besides the incident, as the templates take it."""
    return {
        **asdict(it),
        "advice": language.sentences(it.advice),
        "usable": [replace(one, caution=language.phrase(one.caution) if one.caution else "") for one in it.usable],
        "links": {language.say(name): link for name, link in it.links.items()},
    }


def _whose(incident: Incident, language: PageLanguage) -> str:
    whose = language.whose(incident)
    return language.aside(whose, language.certainty(incident)) if words.is_blamed(incident) else whose


def _downtime(incident: Incident, seconds: float, language: PageLanguage) -> str:
    lasted = language.duration(seconds)
    return (
        lasted if incident.signal or incident.scope is Scope.MONITOR else language.say("down for {time}", time=lasted)
    )


DRILL_OVER, UNWATCHED_NOW, CALM, NO_NEWS, OVER = OVERS = (
    "The drill is over",
    "No longer watched",
    "Calm again",
    "No longer news",
    "Over",
)


def _over(change: Change) -> str:
    """Return how it ended, in English words before "after 10 min"."""
    if change.incident.drill:
        return DRILL_OVER
    if change.kind is ChangeKind.WITHDRAWN:
        return UNWATCHED_NOW
    if change.incident.is_flap:
        return CALM
    return NO_NEWS if change.incident.ending else OVER


def _is_revived(change: Change) -> bool:
    """Whether an account is back that was lost; a drill loses none."""
    one, withdrawn = change.incident, change.kind is ChangeKind.WITHDRAWN
    is_loss = one.scope is Scope.ACCOUNT and one.blame is Blame.ACCOUNT and not (one.signal or one.drill)
    return is_loss and not withdrawn


def _instead(one: UsableAccount, now: datetime, language: PageLanguage) -> str:
    ago = language.duration((now - one.seen_at).total_seconds())
    seen = language.say("seen working {time} ago", time=ago)
    said = language.clauses((seen, language.phrase(one.caution))) if one.caution else seen
    return language.aside(one.account, said)


def worst_severity(pieces: Sequence[MessagePart]) -> Severity | None:
    """Return the gravest severity of what is still open; None if all is over."""
    going_on = [piece.change.incident.severity for piece in pieces if piece.step not in END_STEPS]
    return max(going_on, key=lambda severity: severity.rank, default=None)


@cache
def _shipped_templates(folder: Path) -> SandboxedEnvironment:
    """Return our own, each of which is compiled once however often a configuration is read anew."""
    return _environment(FileSystemLoader(folder))


def _environment(loader: BaseLoader) -> SandboxedEnvironment:
    made = SandboxedEnvironment(
        loader=loader,
        autoescape=lambda name: bool(name and ".html" in name),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"code": code, "plain": in_markdown}
    return made
