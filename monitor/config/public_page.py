"""The public page in monitor.toml: its look, its words, and the services that it shows instead of providers."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from msgspec import Meta, Struct

from monitor.config.address import is_address
from monitor.config.colour import DARK, LIGHT, READABLE, contrast, readable_on
from monitor.config.logo import LOGO_BYTES, logo_problem, read_head
from monitor.config.own_words import OwnWords, check_words, first_words
from monitor.config.section import END, Label, LanguageCode, Section
from monitor.schedule import Watch
from probes.document import Problem, suggest, why_no_file, wrong_word
from probes.redact import grants_access, has_key, redact_decoded
from probes.target_id import provider_of

Colour = Annotated[
    str, Meta(pattern=r"^#[0-9A-Fa-f]{6}" + END, description="a colour of six hexadecimal digits: #0b6b5d")
]
FAMILY = r"(\"[A-Za-z0-9 -]+\"|'[A-Za-z0-9 -]+'|-?[A-Za-z][A-Za-z0-9-]*( +[A-Za-z][A-Za-z0-9-]*)*)"
Font = Annotated[
    str,
    Meta(
        pattern=f"^{FAMILY}( *, *{FAMILY})*{END}",
        max_length=200,
        description='names of fonts, as in CSS: "Inter", system-ui, sans-serif',
    ),
]
Line = Annotated[str, Meta(min_length=1, max_length=60, description="1 to 60 characters")]
Text = Annotated[str, Meta(max_length=600, description="at most 600 characters")]
About = Annotated[str, Meta(max_length=200, description="at most 200 characters")]
MailAddress = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,190}" + END, description="a mail address: status@example.com"
    ),
]

MAIL_LINK = re.compile(r"mailto:[^\s<>\"@?%]+@[^\s<>\"@?%]+(\?[^\s<>\"@]*)?")
LADEN_LINK = "holds a user, a password or what looks like a secret"
SECRET_WORDS = frozenset(
    {
        *("key", "apikey", "token", "secret", "password", "passwd", "pwd", "sig", "signature", "jwt", "sid"),
        *("auth", "authorization", "credential", "credentials", "session"),
    }
)
"""Words in the name of a part of a query that is a secret."""


class ThemeSection(Section, frozen=True, kw_only=True):
    """The look of the public page. A `brand` of one scheme only is made readable for the other.

    brand: the colour of links and focus
    ground: the colour behind everything
    brand_dark: the same in the dark scheme
    ground_dark: the same in the dark scheme
    font: the fonts of the text
    round_px: pixels by which corners are round
    """

    brand: Colour | None = None
    ground: Colour | None = None
    brand_dark: Colour | None = None
    ground_dark: Colour | None = None
    font: Font | None = None
    round_px: Annotated[int, Meta(ge=0, le=32)] | None = None


class LinkSection(Section, frozen=True, kw_only=True):
    """A link at the head or the foot of the public page.

    text: its words in all languages, or a table of words by language
    url: where it leads; also `mailto:`
    """

    text: Line | dict[LanguageCode, Line]
    url: str


class PublicSection(Section, frozen=True, kw_only=True):
    """The public page: its look and its own words.

    Texts are for all languages, or tables of texts by language: { en = "...", de = "..." }. The first of a table stands
    where a language has none.

    logo: a file beside monitor.toml, SVG or PNG of at most 200 kB, which is copied
    theme: its colours, fonts and corners
    header: links beside its name
    footer: links at its foot
    footer_text: words at its foot
    intro: words below the headline
    languages: those in which the page is made, the first at its root; without them `site.language`
    mail: where people ask to be written to
    providers: whether the providers are shown; without it, if there is no service
    """

    logo: str | None = None
    theme: ThemeSection = ThemeSection()
    header: list[LinkSection] = []
    footer: list[LinkSection] = []
    footer_text: Text | dict[LanguageCode, Text] = ""
    intro: Text | dict[LanguageCode, Text] = ""
    languages: list[LanguageCode] = []
    mail: MailAddress | None = None
    providers: bool | None = None


class ServiceSection(Section, frozen=True, kw_only=True):
    """What the public page shows in words of your own: the accounts behind it are not named there.

    It is made of the accounts that match `accounts`, `providers` and `tags`; at least one of the three is given.

    name: its name, or a table of names by language; the first is that in its addresses
    group: services of one group stand together; or a table by language, of which the first is the one that it is in
    about: a line about it, or a table of that by language
    accounts: accounts that it is made of: provider/name
    providers: providers that it is made of
    tags: tags of accounts that it is made of
    canaries: only these count; without it all that show whether an account works
    enough: so many working accounts make it work; without it all must
    """

    name: Label | dict[LanguageCode, Label]
    group: Label | dict[LanguageCode, Label] | None = None
    about: About | dict[LanguageCode, About] = ""
    accounts: list[str] = []
    providers: list[str] = []
    tags: list[str] = []
    canaries: list[str] = []
    enough: Annotated[int, Meta(ge=1, le=1000)] | None = None


class PublicService(Struct, frozen=True):
    """A service with the ids of the targets that show how it is. `enough`: accounts that suffice."""

    name: OwnWords
    group: OwnWords | None
    about: OwnWords
    targets: frozenset[str]
    enough: int

    @property
    def key(self) -> str:
        """Its name as part of an address."""
        return name_key(first_words(self.name))


def name_key(name: str) -> str:
    """Return a name in lower case, its words joined: what differs in nothing else is one name."""
    return "-".join(name.lower().split())


def public_languages(page: PublicSection, usual: str) -> tuple[str, ...]:
    """Return the languages of the public page, the first at its root. `usual`: that of the other page."""
    return tuple(dict.fromkeys(page.languages)) or (usual,)


class PublicSections(Struct, frozen=True):
    """The sections about the public page, as they are in the file. `languages`: of the page, the first at its root.

    `announced`: what else it says, by its place in the file.
    """

    page: PublicSection
    services: Sequence[ServiceSection]
    languages: tuple[str, ...]
    announced: Mapping[str, OwnWords]


Tags = Mapping[str, Sequence[str]]
"""The tags of each account, by its id."""


def check_public(
    its: PublicSections, tags: Tags, languages: Collection[str], folder: Path, file: str
) -> Iterator[Problem]:
    """Yield what is wrong with the public page. `languages`: those that have a file of words."""
    yield from _check_logo(its.page.logo, folder, file)
    for place in ("header", "footer"):
        yield from _check_links(getattr(its.page, place), f"public.{place}", file)
    for code in its.page.languages:
        if code not in languages:
            yield wrong_word(file, "public.languages", code, "no such language", suggest(code, languages))
    yield from check_words(_own_words(its), its.languages, file)
    yield from _check_services(its.services, tags, file)


def _own_words(its: PublicSections) -> Iterator[tuple[str, OwnWords]]:
    """Yield the words of the user's own, by their place in the file."""
    yield from (("public.intro", its.page.intro), ("public.footer_text", its.page.footer_text))
    for place, links in (("header", its.page.header), ("footer", its.page.footer)):
        yield from ((f"public.{place}[{number}].text", one.text) for number, one in enumerate(links, 1))
    for one in its.services:
        key = f"services.{first_words(one.name)}"
        yield from ((f"{key}.{field}", words) for field in ("name", "group", "about") if (words := getattr(one, field)))
    yield from its.announced.items()


def _check_logo(named: str | None, folder: Path, file: str) -> Iterator[Problem]:
    if named is None:
        return
    try:
        problem = logo_problem((folder / named).name, read_head(folder / named))
    except (OSError, ValueError):
        problem = why_no_file(folder / named) or "cannot be read"
    if problem:
        repair = f"name a plain SVG or PNG of at most {LOGO_BYTES // 1000} kB beside {file}, or leave it out"
        yield Problem(file, "public.logo", f'= "{named}" {problem}', repair)


def _check_links(links: Iterable[LinkSection], key: str, file: str) -> Iterator[Problem]:
    for number, link in enumerate(links, 1):
        where = f"{key}[{number}].url"
        if not _is_link(link.url):
            yield Problem(file, where, "is no web address", 'write it as "https://host/path", or "mailto:you@host"')
        elif _is_laden(link.url):
            yield Problem(file, where, LADEN_LINK, "keep secrets out of it: it stands on a public page")


def _is_link(url: str) -> bool:
    if not url.isprintable() or re.search(r"[\s<>\"\\]", url):
        return False
    return is_address(url) or MAIL_LINK.fullmatch(url) is not None


def _is_laden(url: str) -> bool:
    """Whether an address holds a user, a password or what looks like a secret."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or has_key(url) or grants_access(url):
        return True
    asked = [pair for text in (parts.query, parts.fragment) for pair in parse_qsl(text)]
    return any(_is_secret_name(name) or redact_decoded(value, ()) != value for name, value in asked)


def _is_secret_name(name: str) -> bool:
    """Whether a part of a query is named as a secret: `api_key`, `accessToken`, `X-Amz-Signature`."""
    return not SECRET_WORDS.isdisjoint(re.sub(r"(?<=[a-z])(?=[A-Z])|[\W_]", " ", name).lower().split())


def _check_services(services: Sequence[ServiceSection], tags: Tags, file: str) -> Iterator[Problem]:
    names = [first_words(one.name) for one in services]
    first = {name_key(name): name for name in reversed(names)}
    for key, times in Counter(map(name_key, names)).items():
        if times > 1:
            yield Problem(file, "services", f'holds "{first[key]}" {times} times', "give each a name of its own")
    known = {
        "accounts": set(tags),
        "providers": {provider_of(id) for id in tags},
        "tags": {tag for its in tags.values() for tag in its},
    }
    for one in services:
        yield from _check_service(one, known, tags, f"services.{first_words(one.name)}", file)


def _check_service(
    one: ServiceSection, known: Mapping[str, set[str]], tags: Tags, key: str, file: str
) -> Iterator[Problem]:
    unknown = [(part, word) for part, words in known.items() for word in getattr(one, part) if word not in words]
    for part, word in unknown:
        yield wrong_word(file, f"{key}.{part}", word, "no account is of it", suggest(word, known[part]))
    its = _accounts_of(one, tags)
    if not (one.accounts or one.providers or one.tags):
        repair = 'add accounts = ["provider/name"], providers = [...] or tags = [...]'
        yield Problem(file, key, "names no account", repair, ("accounts", "providers", "tags"))
    elif not its and not unknown:
        yield Problem(file, key, "matches no account", "an account must match each of accounts, providers and tags")
    elif one.enough and one.enough > len(its) and not unknown:
        yield Problem(file, f"{key}.enough", f"= {one.enough}, of {len(its)}", "make it smaller, or leave it out")


def check_canaries(
    services: Sequence[ServiceSection], tags: Tags, watches: Iterable[Watch], file: str
) -> Iterator[Problem]:
    """Report canaries that no account of a service has."""
    asked = defaultdict[str, set[str]](set)
    for watch in watches:
        asked[watch.target.account].add(watch.target.canary)
    for one in services:
        known = {canary for id in _accounts_of(one, tags) for canary in asked[id]}
        for canary in one.canaries:
            if known and canary not in known:
                key = f"services.{first_words(one.name)}.canaries"
                yield wrong_word(file, key, canary, "no account of it is asked so", suggest(canary, known))


def _accounts_of(one: ServiceSection, tags: Tags) -> list[str]:
    accounts, providers, tagged = {*one.accounts}, {*one.providers}, {*one.tags}
    return [
        id
        for id, its in tags.items()
        if (not accounts or id in accounts)
        and (not providers or provider_of(id) in providers)
        and (not tagged or not tagged.isdisjoint(its))
    ]


def public_services(
    services: Iterable[ServiceSection], tags: Tags, watches: Iterable[Watch]
) -> tuple[PublicService, ...]:
    """Return the services. Call it only if no problem was found."""
    every = list(watches)
    return tuple(_service(one, frozenset(_accounts_of(one, tags)), every) for one in services)


def _service(one: ServiceSection, accounts: frozenset[str], watches: Iterable[Watch]) -> PublicService:
    targets = [
        watch.target
        for watch in watches
        if watch.target.account in accounts
        and (watch.target.canary in one.canaries if one.canaries else not watch.aside)
    ]
    every = len({target.account for target in targets})
    ids = frozenset(target.id for target in targets)
    return PublicService(one.name, one.group, one.about, ids, one.enough or max(every, 1))


def light_brand(theme: ThemeSection) -> str | None:
    """Return the brand on a light ground: without one of its own that of the dark scheme, made readable."""
    if theme.brand or not theme.brand_dark:
        return theme.brand
    return readable_on(theme.brand_dark, theme.ground or LIGHT.ground, LIGHT.sheets)


def dark_brand(theme: ThemeSection) -> str | None:
    """Return the brand on a dark ground: without one of its own that of the light scheme, made readable."""
    if theme.brand_dark or not theme.brand:
        return theme.brand_dark
    return readable_on(theme.brand, theme.ground_dark or DARK.ground, DARK.sheets)


def theme_doubts(theme: ThemeSection) -> Iterator[str]:
    """Yield colours of which text is hard to read."""
    schemes = (
        (light_brand(theme), theme.ground, LIGHT, ""),
        (dark_brand(theme), theme.ground_dark, DARK, "_dark"),
    )
    for brand, ground, usual, scheme in schemes:
        if (brand or ground) and (seen := contrast(brand or usual.brand, ground or usual.ground)) < READABLE:
            yield (
                f"[public] theme: brand{scheme} on ground{scheme} has a contrast of {seen:.1f}, and text is read well "
                f"from {READABLE} on"
            )
