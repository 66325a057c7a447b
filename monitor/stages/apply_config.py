"""Apply a changed configuration to what is watched and believed; called between two beats."""

import logging
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from monitor.alert.text import MessageTemplates
from monitor.config.config import Config
from monitor.state.belief import Belief
from monitor.state.monitor_state import MonitorState, probe_limits
from monitor.state.schedule_state import ScheduleState
from monitor.state.services import Services
from monitor.tally import expect
from probes.catalog import rules_by_name


def apply_config(state: MonitorState, config: Config) -> None:
    """Switch to another configuration, but for what is opened at the start: that stays, with a warning."""
    services, belief, planned = state.services, state.belief, state.planned
    before = belief.config
    after = belief.config = _with_places_of(before, config)
    _equip(services, before, after)
    _forget(belief, planned, before)
    planned.proven -= {id for id in planned.proven if _is_set_up_anew(before, after, id)}
    belief.find_anew()
    belief.pending.stirred = True
    services.own.mended("configuration")
    _warn_of_what_stays(services, before, config)
    _plan(state, before)


OPENED_AT_THE_START: Mapping[str, Callable[[Config], object]] = {
    "location": lambda config: config.location,
    "[store] path": lambda config: config.store.full_name,
    "[site] folder": lambda config: config.folder,
    "[site] public_folder": lambda config: config.public_folder,
    "[site] metrics": lambda config: config.metrics,
    "[site] serve": lambda config: config.site.serve,
    "[site] port": lambda config: config.site.port,
    "[site] url": lambda config: config.site.url,
}
"""The settings that take effect at a start, by their names in monitor.toml. `host` comes besides: `run` may name it."""


def _warn_of_what_stays(services: Services, before: Config, after: Config) -> None:
    """Warn of changes that do not take effect before a restart: commands follow the new file at once."""
    changed = [name for name, read in OPENED_AT_THE_START.items() if read(before) != read(after)]
    if after.site.host not in (None, before.site.host):
        changed.append("[site] host")
    if not changed:
        services.own.mended(WARNING)
        return
    what = f"what {after.file_name} says now of {', '.join(changed)}"
    words = f"{what} takes effect after a restart; until then, commands may look in another place"
    services.own.warn(WARNING, words, logging.WARNING)


WARNING = "restart"
"""Key of that warning."""


def _with_places_of(before: Config, after: Config) -> Config:
    kept = {name: getattr(before.site, name) for name in SITE_KEPT}
    return replace(
        after,
        site=replace(after.site, **kept),
        store=before.store,
        folder=before.folder,
        public_folder=before.public_folder,
        metrics=before.metrics,
        simulated=before.simulated,
    )


SITE_KEPT = ("folder", "public_folder", "metrics", "serve", "host", "port", "url")


def _equip(services: Services, before: Config, after: Config) -> None:
    """Update the prober and the senders. Old secrets stay masked: an answer may be under way."""
    secrets = tuple(dict.fromkeys((*after.secrets, *before.secrets)))
    rules_of = rules_by_name(after.shelf)
    services.prober = replace(services.prober, patience=probe_limits(after), rules_of=rules_of, secrets=secrets)
    services.templates = MessageTemplates(after.templates)
    expect(services.tally, (one.name for one in after.channels), after.feeds)
    services.turnstiles.by_host.clear()


def _forget(belief: Belief, planned: ScheduleState, before: Config) -> None:
    """Drop what is no longer watched."""
    for id in before.watches.keys() - belief.config.watches.keys():
        planned.probes.drop(id)
        belief.healths.pop(id, None)
        belief.tracks.pop(id, None)
    for id in before.feeds.keys() - belief.config.feeds.keys():
        belief.sources.pop(id, None)


def _plan(state: MonitorState, before: Config) -> None:
    """Plan a first probe of new targets, and an immediate one where the key changed."""
    services, config, planned = state.services, state.belief.config, state.planned
    now = services.edge.clock()
    planned.plan_probes(config.watches, now, services.pauses.spread_s)
    for id, watch in config.watches.items():
        if _has_other_key(before, config, watch.target.account):
            planned.probes.hurry(id, now)
    state.signals.probes_planned.set()
    state.signals.polls_planned.set()


def _has_other_key(before: Config, after: Config, account: str) -> bool:
    """Whether a watched account got another key: that may fix it."""
    old, new = before.accounts.get(account), after.accounts[account]
    return old is not None and (old.secrets, old.problem) != (new.secrets, new.problem)


def _is_set_up_anew(before: Config, after: Config, target: str) -> bool:
    """Whether a target's address or dialect changed."""
    one = before.watches.get(target), after.watches.get(target)
    if one[0] is None or one[1] is None:
        return True
    old, new = before.accounts[one[0].target.account], after.accounts[one[1].target.account]
    bases = before.providers[old.provider].base, after.providers[new.provider].base
    return (old.base, old.dialects, bases[0]) != (new.base, new.dialects, bases[1])
