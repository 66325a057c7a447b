"""The state as metrics, and what was counted; pure."""

from collections.abc import Iterable, Iterator, Sequence

from monitor import __version__
from monitor.metric import ExportedMetrics, Family, Gauge, Labels, format_labels
from monitor.publish.ability import is_working
from monitor.publish.counted import counted_families
from monitor.publish.exposition import Exposition, render_exposition
from monitor.publish.snapshot import AccountView, ObjectiveView, Snapshot, TargetView
from monitor.publish.status import CurrentState, Mark
from monitor.publish.usable import assess_usability
from monitor.slo.objective import BURN_WINDOWS
from probes.target_id import provider_of


def render_metrics(snapshot: Snapshot, now: CurrentState) -> Exposition:
    return render_exposition(metric_families(snapshot, now))


def exported_metrics(snapshot: Snapshot, now: CurrentState) -> ExportedMetrics:
    since = min((part.since for part in snapshot.tally.values()), default=snapshot.made_at)
    return ExportedMetrics(tuple(metric_families(snapshot, now)), snapshot.made_at, since, snapshot.location)


def metric_families(snapshot: Snapshot, now: CurrentState) -> Iterator[Family]:
    """Yield all metrics; a family may have no sample. They are made one by one: there are thousands of lines."""
    accounts = [(_account(account), account) for provider in snapshot.providers for account in provider.accounts]
    yield from _gauges(snapshot, now, accounts)
    yield from counted_families(snapshot, now, accounts)


def _gauges(snapshot: Snapshot, now: CurrentState, accounts: Sequence[tuple[Labels, AccountView]]) -> Iterator[Gauge]:
    words = {one.account: one for one in assess_usability(snapshot, now)}
    known = [(labels, account.id, now.judgements[account.id].usable) for labels, account in accounts]
    offers = [(labels, words[account.id]) for labels, account in accounts]
    yield Gauge("llm_monitor_info", "The monitor that wrote this.", ((format_labels(version=__version__), 1.0),))
    yield Gauge(
        "llm_monitor_last_publish_timestamp_seconds", "When this was written.", (("", snapshot.made_at.timestamp()),)
    )
    yield Gauge(
        "llm_account_up",
        "1: the account is usable, 0.5: usable, but something that is asked of it is lost, 0: not. Absent: not known.",
        tuple((labels, _up(usable, now.marks[id])) for labels, id, usable in known if usable is not None),
    )
    yield Gauge(
        "llm_account_known",
        "1: whether the account is usable is known.",
        tuple((labels, float(usable is not None)) for labels, _, usable in known),
    )
    yield Gauge(
        "llm_account_withheld",
        "1: the account belongs to one that is suspended, so it is not offered.",
        tuple((labels, float(one.caution.withheld)) for labels, one in offers if one.caution),
    )
    yield Gauge(
        "llm_account_offered",
        "1: `pick` may name the account: it is usable and not withheld, 0: it does not, also where that is not known.",
        tuple((labels, float(one.offered)) for labels, one in offers),
    )
    yield Gauge(
        "llm_account_valid_until_timestamp_seconds",
        "Until when it may be believed that the account is usable; then it is not known.",
        tuple((labels, one.valid_until.timestamp()) for labels, one in offers if one.usable and one.valid_until),
    )
    yield Gauge(
        "llm_account_fault",
        "1 for the fault that an account has.",
        tuple(
            (f"{labels},{format_labels(fault=one.fault, blame=one.fault.blame)}", 1.0)
            for labels, one in accounts
            if one.fault
        ),
    )
    yield from _target_gauges(accounts, now)
    yield from _credit_gauges(accounts)
    yield from _objective_gauges(snapshot.objectives)
    yield Gauge(
        "llm_incident_active",
        "1 for each open incident; drills are left out.",
        tuple(
            (
                format_labels(
                    incident=one.incident.id,
                    scope=one.incident.scope,
                    subject=one.incident.subject,
                    fault=one.incident.fault,
                    blame=one.incident.blame,
                    severity=one.incident.severity,
                ),
                1.0,
            )
            for one in snapshot.open_incidents
            if not one.incident.drill
        ),
    )
    yield Gauge(
        "llm_status_source_readable",
        "1: the provider's own status page can be believed now.",
        tuple((format_labels(source=source.id), float(source.readable)) for source in snapshot.sources),
    )


def _target_labels(target: TargetView) -> Labels:
    place = {"place": target.place} if target.place else {}
    return format_labels(canary=target.canary, model=target.model or "", **place)


def _target_gauges(accounts: Iterable[tuple[Labels, AccountView]], now: CurrentState) -> Iterator[Gauge]:
    targets = [
        (f"{labels},{_target_labels(target)}", target) for labels, account in accounts for target in account.targets
    ]
    yield Gauge(
        "llm_probe_up",
        "1: the canary is answered well, 0: it is not. Absent: not known.",
        tuple((labels, float(well)) for labels, one in targets if (well := _well(one, now)) is not None),
    )
    for name, help, durations in (
        (
            "llm_probe_duration_median_seconds",
            "Median of the last ten good answers.",
            [one.latency for _, one in targets],
        ),
        (
            "llm_probe_first_token_median_seconds",
            "Median time to the first token, of the last ten good answers.",
            [one.ttft for _, one in targets],
        ),
        (
            "llm_probe_time_per_output_token_median_seconds",
            "Median time per output token after the first one; its inverse is output tokens per second.",
            [one.token for _, one in targets],
        ),
    ):
        its = zip(targets, durations, strict=True)
        yield Gauge(name, help, tuple((labels, its_.now_s) for (labels, _), its_ in its if its_.now_s is not None))
    yield Gauge(
        "llm_probe_availability_ratio",
        "Share of good answers in the last 24 hours.",
        tuple((labels, one.availability) for labels, one in targets if one.availability is not None),
    )
    yield Gauge(
        "llm_probe_last_seen_timestamp_seconds",
        "When the canary was last answered or refused.",
        tuple((labels, one.seen_at.timestamp()) for labels, one in targets if one.seen_at),
    )
    for name, field in (("llm_ratelimit_limit", "limit"), ("llm_ratelimit_remaining", "remaining")):
        yield Gauge(
            name,
            f"Rate limit as last told: {field}, for a window of window_s seconds, 0 where none was told.",
            tuple(
                (f"{labels},{format_labels(unit=limit.unit, window_s=f'{limit.window_s or 0:.15g}')}", value)
                for labels, one in targets
                for limit in one.limits
                if (value := getattr(limit, field)) is not None
            ),
        )


def _credit_gauges(accounts: Sequence[tuple[Labels, AccountView]]) -> Iterator[Gauge]:
    credits = [
        (f"{labels},{format_labels(unit=credit.unit, credit=str(number))}", credit)
        for labels, account in accounts
        for number, credit in enumerate(account.credits)
    ]
    yield Gauge(
        "llm_credit_left",
        "Credit as last told, in its own unit.",
        tuple((labels, one.left) for labels, one in credits if one.left is not None),
    )
    yield Gauge(
        "llm_credit_left_seconds",
        "How long the credit lasts at the pace of the last days.",
        tuple((labels, one.days_left * 86400) for labels, one in credits if one.days_left is not None),
    )
    yield Gauge(
        "llm_canary_cost_today_usd",
        "What the canaries of the account have cost today (UTC).",
        tuple((labels, one.spent_usd) for labels, one in accounts if one.spent_usd is not None),
    )


def _objective_gauges(views: Iterable[ObjectiveView]) -> Iterator[Gauge]:
    reserves = [
        (format_labels(objective=view.objective.name, subject=view.objective.subject, goal=one.goal), one)
        for view in views
        for one in view.reserves
    ]
    yield Gauge(
        "llm_objective_promised_ratio",
        "Share of answers that the objective promises to be good, or quick.",
        tuple((labels, one.promised) for labels, one in reserves),
    )
    yield Gauge(
        "llm_objective_kept_ratio",
        "Share that was, over the objective's window.",
        tuple((labels, one.kept) for labels, one in reserves),
    )
    yield Gauge(
        "llm_objective_budget_left_ratio",
        "What is left of the error budget, 1: all of it; below 0 it is overdrawn.",
        tuple((labels, one.left) for labels, one in reserves),
    )
    yield Gauge(
        "llm_objective_burn_rate",
        "How many times faster than allowed the budget is used over a window.",
        tuple(
            (f"{labels},{format_labels(window_s=f'{pair.long.total_seconds():.15g}')}", burn)
            for labels, one in reserves
            for pair, burn in zip(BURN_WINDOWS, one.burns, strict=True)
            if burn is not None
        ),
    )


def _up(usable: bool, mark: Mark) -> float:
    return 0.5 if usable and mark is Mark.PARTLY else float(usable)


def _well(target: TargetView, now: CurrentState) -> bool | None:
    return None if now.offline else is_working(target, now.at)


def _account(account: AccountView) -> Labels:
    return format_labels(provider=provider_of(account.id), account=account.name)
