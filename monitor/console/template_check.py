"""Test of the user's own templates: each is filled once with a made-up incident, before a real one needs it."""

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product

from msgspec.structs import replace

from monitor.alert.case import Step
from monitor.alert.channel import Detail, Format
from monitor.alert.text import (
    DigestSummary,
    MessageContext,
    MessagePart,
    MessageStyle,
    MessageTemplates,
    UsableAccount,
    compose,
    compose_channel_failure,
    compose_digest,
)
from monitor.config.config import Config
from monitor.diagnose.incident import Change, ChangeKind, Incident
from monitor.publish import private_site, public_site
from monitor.publish.collect import build_snapshot
from monitor.publish.render import template_warnings
from monitor.sentence.translation import load_language
from monitor.sentence.unused_template import UnusedTemplate
from monitor.stages.drill import Drill
from monitor.store.row import Batch
from monitor.store.store import scratch_store
from monitor.store.writer import Writer
from probes.model import Fault
from probes.phrase import Phrase

FEW = 3
"""Number of accounts on the test page; more would show nothing new."""
EARLIER = timedelta(hours=1)
STEPS = (Step.OPENED, Step.CHANGED, Step.REMINDER, Step.ESCALATED, Step.RESOLVED, Step.MISSED)


def alert_problems(config: Config, now: datetime) -> Mapping[str, UnusedTemplate]:
    """Return the problems of message templates by name; a message of each kind is written to find them.

    Each in the language of each channel: a template may fail in one only.
    """
    if config.templates is None:
        return {}
    templates, found = MessageTemplates(config.templates), dict[str, UnusedTemplate]()
    for form, code in product(Format, sorted({channel.language for channel in config.channels})):
        language = load_language(code, config.own_folders)
        pieces = list(_pieces(config, now))
        for shown in (*([one] for one in pieces), pieces):
            for detail in Detail:
                compose(shown, MessageStyle(templates, detail, form, language), now)
                found |= templates.warnings
        summary = DigestSummary(
            now - EARLIER, now, [one.change.incident for one in pieces], config.location, "https://x"
        )
        full = MessageStyle(templates, Detail.FULL, form, language)
        compose_digest(summary, full)
        compose_channel_failure("phone", "no answer", config.location, full)
        found |= templates.warnings
    return found


def page_problems(config: Config, now: datetime) -> Mapping[str, UnusedTemplate]:
    """Return the problems of page templates by name; both sites are made to find them."""
    if config.page_templates is None:
        return {}
    tried = _with_few_accounts(config)
    with scratch_store(tried.location) as store, store.writing(lambda: now, time.monotonic) as failover:
        changes = tuple(one.change for one in _pieces(tried, now))
        failover.do(Writer.save, Batch(now, changes=changes))
        snapshot = build_snapshot(failover.reader, tried, now)
    for _ in private_site.render_pages(snapshot):
        pass
    public_site.render(snapshot)
    return template_warnings(config.site_languages, config.page_templates)


def _with_few_accounts(config: Config) -> Config:
    accounts = dict(list(config.accounts.items())[:FEW])
    watches = {id: watch for id, watch in config.watches.items() if watch.target.account in accounts}
    return replace(config, accounts=accounts, watches=watches, objectives=())


def _pieces(config: Config, now: datetime) -> Iterator[MessagePart]:
    """Yield one incident at each step of its life, with everything that a message may add to it."""
    account = next(iter(config.accounts))
    around = MessageContext(
        config.location,
        simulated=True,
        advice=(Phrase("Do this."),),
        usable=[UsableAccount(account, now, Phrase("a caution"))],
        url="https://status.example.com",
        links={"acknowledge": "https://status.example.com/answer/x"},
        times=2,
        downtime_s=60,
    )
    for number, step in enumerate(STEPS):
        opened = _incident(account, now - EARLIER + timedelta(seconds=number))
        yield MessagePart(step, 1, _change(opened, step, now), around, first=number % 2 == 1)


def _incident(account: str, at: datetime) -> Incident:
    return replace(Drill(account, Fault.ACCOUNT_SUSPENDED, at).incident, detected_at=at)


def _change(incident: Incident, step: Step, now: datetime) -> Change:
    if step in (Step.RESOLVED, Step.MISSED):
        return Change(replace(incident, closed_at=now), ChangeKind.RESOLVED, now)
    return Change(incident, ChangeKind.OPENED, now)
