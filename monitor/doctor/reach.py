"""How each host answered → remarks on the clock, the name service, TLS and proxies; pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median

from monitor.doctor.examination import Examination
from monitor.doctor.host_check import HostCheck, HostRoute
from monitor.doctor.remark import Grade, Remark, Topic
from monitor.words import count, duration, join_items
from probes.model import Phase
from probes.proxy import Proxies, is_bypassed, proxy_variables

OFF_S, WRONG_S = 5.0, 60.0
"""Seconds by which a clock is off, and wrong: signed links, certificates and the dates of notices go by it."""
SOON = timedelta(days=14)
"""Time before the end of a certificate in which it should have been renewed: those of 90 days are after 60."""
MOST = 3
"""Most hosts that are named in one line."""

INTERCEPTORS = (
    *("zscaler", "netskope", "fortinet", "fortigate", "palo alto", "blue coat", "bluecoat", "forcepoint", "websense"),
    *("cisco umbrella", "mcafee", "skyhigh", "trellix", "sophos", "check point", "watchguard", "barracuda", "untangle"),
    *("sonicwall", "kaspersky", "eset ssl", "avast", "avg ", "bitdefender", "mitmproxy", "charles proxy", "fiddler"),
    *("portswigger", "squid", "iboss", "lightspeed", "contentkeeper", "smoothwall", "cato networks", "menlo security"),
)
"""Words in the names of authorities with which products open the TLS of others; each names itself by default."""


def clock(it: Examination) -> Iterator[Remark]:
    """Compare our clock with those of the hosts; one of this machine has ours."""
    told = [(one, one.ahead_s) for one in it.hosts if one.ahead_s is not None and not _is_here(one.route)]
    if not told:
        yield Remark(Grade.UNKNOWN, Topic.CLOCK, "no host told the time", "look at `timedatectl`, or ask again online")
        return
    ahead_s = median(s for _, s in told)
    against = join_items([one.route.host for one, _ in told], MOST)
    if abs(ahead_s) < OFF_S:
        yield Remark(Grade.OK, Topic.CLOCK, f"right to within {OFF_S:g} s, says {against}")
        return
    how = "ahead" if ahead_s > 0 else "behind"
    words = f"{duration(abs(ahead_s))} {how} of {against}"
    grade = Grade.ERROR if abs(ahead_s) >= WRONG_S else Grade.WARNING
    yield Remark(grade, Topic.CLOCK, words, "sudo timedatectl set-ntp true")


def _is_here(route: HostRoute) -> bool:
    return is_bypassed(route.host, None, ())


def dns(it: Examination) -> Iterator[Remark]:
    lost = [one for one in it.hosts if one.phase is Phase.NAME]
    asked = [one for one in it.hosts if one.route.proxy is None]
    if len(lost) == len(asked) > 1:
        yield Remark(Grade.ERROR, Topic.DNS, f"none of {len(asked)} hosts is found: {lost[0].words}", NO_DNS)
        return
    for one in lost:
        words = f"{one.route.host}, which {one.route.needed_by} needs: {one.words}"
        yield Remark(Grade.ERROR, Topic.DNS, words, f"say `getent hosts {one.route.host}`, and compare its spelling")
    if not asked:
        yield _unasked(it, Topic.DNS)
    elif not lost:
        yield Remark(Grade.OK, Topic.DNS, f"{count(len(asked), 'host')} found")


NO_DNS = "connect this machine, or name a name server in /etc/resolv.conf"


def _unasked(it: Examination, topic: Topic) -> Remark:
    if it.config.simulated:
        return Remark(Grade.UNKNOWN, topic, "the demonstration asks no host outside")
    if it.hosts:
        return Remark(Grade.OK, topic, "every host is left to a proxy to find")
    return Remark(Grade.UNKNOWN, topic, "there is no host to ask")


def tls(it: Examination) -> Iterator[Remark]:
    """Remark on each host that is not reached behind its name, and on certificates."""
    if not it.hosts:
        yield _unasked(it, Topic.TLS)
        return
    found = [*_unreached(it.hosts), *(remark for one in it.hosts for remark in _of_certificate(one, it))]
    yield from found
    well = [one for one in it.hosts if one.certificate and not one.words]
    if well:
        yield Remark(
            Grade.OK, Topic.TLS, f"{count(len(well), 'host')} with a certificate that is trusted{_first(well)}"
        )
    if not found and not well:
        yield _no_certificate(it.hosts)


def _no_certificate(hosts: Sequence[HostCheck]) -> Remark:
    if any(one.route.is_secured for one in hosts):
        return Remark(Grade.UNKNOWN, Topic.TLS, "no host got so far")
    return Remark(Grade.OK, Topic.TLS, "no host is asked over TLS")


def _first(well: Sequence[HostCheck]) -> str:
    """Say which certificate ends first."""
    dated = [(one.certificate.ends_at, one.route.host) for one in well if one.certificate and one.certificate.ends_at]
    if not dated:
        return ""
    at, host = min(dated)
    return f", the first until {at:%Y-%m-%d} ({host})"


LATER = (Phase.CONNECT, Phase.TLS, Phase.REQUEST, Phase.FIRST_BYTE, Phase.BODY, None)


def _unreached(hosts: Sequence[HostCheck]) -> Iterator[Remark]:
    """Yield each trouble behind the name once, with the hosts that have it: without a network all have the same."""
    seen = dict[str, list[HostCheck]]()
    for one in hosts:
        if one.words and one.phase in LATER and not one.untrusted:
            seen.setdefault(one.words, []).append(one)
    for words, its in seen.items():
        names = join_items([one.route.host for one in its], MOST)
        how = f"say `curl -sv {its[0].route.address}` from here"
        yield Remark(Grade.ERROR, Topic.TLS, f"{names}, for {its[0].route.needed_by}: {words}", how)


def _of_certificate(one: HostCheck, it: Examination) -> Iterator[Remark]:
    name = f"{one.route.host}, which {one.route.needed_by} needs"
    if one.untrusted:
        yield Remark(Grade.ERROR, Topic.TLS, f"{name}: {one.words}{_whose(one)}", _trust(one, it))
    elif one.certificate and _opens_others(one.certificate.issuer):
        yield Remark(Grade.WARNING, Topic.TLS, f"{name}: {_read_along(one.certificate.issuer)}", READ_ALONG)
    if one.certificate and one.certificate.ends_at and it.now < one.certificate.ends_at < it.now + SOON:
        left = duration((one.certificate.ends_at - it.now).total_seconds())
        yield Remark(Grade.WARNING, Topic.TLS, f"{name}: its certificate ends in {left}", "whoever runs it renews it")


def _opens_others(issuer: str) -> bool:
    return any(word in issuer.lower() for word in INTERCEPTORS)


def _read_along(issuer: str) -> str:
    return f'its certificate was made by "{issuer}": somebody in between opens TLS, and reads the keys'


READ_ALONG = "if that is not meant, ask whoever runs this network to leave the host alone"


def _whose(one: HostCheck) -> str:
    return f'; it is vouched for by "{one.certificate.issuer}"' if one.certificate else ""


def _trust(one: HostCheck, it: Examination) -> str:
    ended = one.certificate.ends_at if one.certificate else None
    if ended and ended < it.now:
        return "whoever runs it renews the certificate; if only this machine's clock is wrong, set it"
    if one.route.way.ca_file:
        return f"put its authority into {one.route.way.ca_file}"
    return 'if it is the proxy or the gateway of your company, name its authority: ca_file = "PATH.pem" at the account'


def proxies(it: Examination) -> Iterator[Remark]:
    found = [*_stopped(it.hosts), *_unused(it)]
    yield from found
    names = dict.fromkeys(one.route.proxy.name for one in it.hosts if one.route.proxy)
    if found:
        return
    words = f"through {join_items([*names], MOST)}" if names else "none is used, and none is set"
    yield Remark(Grade.OK, Topic.PROXIES, words)


def _stopped(hosts: Sequence[HostCheck]) -> Iterator[Remark]:
    """Yield each trouble with a proxy once, with the first who needs it."""
    seen = dict[str, HostCheck]()
    for one in hosts:
        if one.phase is Phase.PROXY and one.words:
            seen.setdefault(one.words, one)
    for words, one in seen.items():
        how = f"say `curl -sv -x {one.route.proxy.url if one.route.proxy else ''} {one.route.address}` from here"
        yield Remark(Grade.ERROR, Topic.PROXIES, f"{words}; {one.route.needed_by} needs it", how)


def _unused(it: Examination) -> Iterator[Remark]:
    """Yield the variables that are set and have no effect: people look for their proxy in vain."""
    set_here = {name for scheme in SCHEMES for name in proxy_variables(scheme, it.environment) if it.environment[name]}
    for lower in sorted(name for name in set_here if name.islower()):
        upper = lower.upper()
        if upper in set_here and it.environment[upper] != it.environment[lower]:
            yield Remark(Grade.WARNING, Topic.PROXIES, f"{upper} is set, and {lower} counts instead", f"unset {upper}")
    if (
        it.config.way.proxies.https
        and it.hosts
        and not any(_takes(one.route, it.config.way.proxies) for one in it.hosts)
    ):
        name = next(proxy_variables("https", it.environment), "HTTPS_PROXY")
        words = (
            f"{name} is set, and no host is reached through it: NO_PROXY, or `proxy` of the accounts, says otherwise"
        )
        yield Remark(Grade.WARNING, Topic.PROXIES, words, f"unset {name}, or mend what excepts the hosts")
    if it.config.way.proxies.http and not it.config.way.proxies.https:
        words = "HTTP_PROXY is set alone, so https, which providers speak, goes without a proxy"
        yield Remark(Grade.WARNING, Topic.PROXIES, words, "set HTTPS_PROXY, too")


SCHEMES = ("http", "https")


def _takes(route: HostRoute, usual: Proxies) -> bool:
    return route.proxy is not None and route.proxy in usual.all
