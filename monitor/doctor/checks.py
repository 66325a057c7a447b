"""All checks, by what they are about."""

from collections.abc import Callable, Iterable, Mapping

from monitor.doctor import accounts, process, reach, storage
from monitor.doctor.examination import Examination
from monitor.doctor.remark import Remark, Topic, legible

Check = Callable[[Examination], Iterable[Remark]]

CHECKS: Mapping[Topic, Check] = {
    Topic.CONFIGURATION: accounts.configuration,
    Topic.VERSIONS: process.versions,
    Topic.CLOCK: reach.clock,
    Topic.DNS: reach.dns,
    Topic.TLS: reach.tls,
    Topic.PROXIES: reach.proxies,
    Topic.FILES: storage.files,
    Topic.DATABASE: storage.kept,
    Topic.PROCESS: process.process,
    Topic.STAGES: process.stages,
    Topic.PAGE: process.page,
    Topic.GAPS: process.gaps,
    Topic.CHANNELS: accounts.channels,
    Topic.HEARTBEAT: accounts.heartbeat,
    Topic.KEYS: accounts.keys,
    Topic.ACCOUNTS: accounts.accounts,
    Topic.FEEDS: accounts.feeds,
}


def remarks(it: Examination) -> list[Remark]:
    """Return what each check found, without any secret."""
    secrets = it.config.secrets
    return [legible(one, secrets) for check in CHECKS.values() for one in check(it)]
