"""The schema of a provider's file: facts only, each block with its source and the day it was checked.

A block without a day of its own was read on that of its file.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from probes.hint import Demand
from probes.model import Account, Fault

WEB_WORDS = "a web address that begins with https:// or http://, without spaces"
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$", description=WEB_WORDS)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$", description="small letters, digits and hyphens")]
HEADER_WORDS = "the name of a header: letters, digits and hyphens"
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", description=HEADER_WORDS)]
Expression = Annotated[str, Meta(min_length=1)]
Clause = Annotated[str, Meta(pattern=r"^[^\n]*[^\n.\s]$", description="one line without a full stop at its end")]
Host = Annotated[str, Meta(pattern=r"^([a-z0-9-]+\.)+[a-z]+$", description="the name of a host")]
Mail = Annotated[str, Meta(pattern=r"^[^\s@]+@[^\s@]+\.[a-z]+$", description="a mail address")]


class Dialect(StrEnum):
    """The wire formats that canaries speak; COMMAND runs an official client instead."""

    LIST = "list"
    ACCOUNT = "account"
    OPENAI_CHAT = "openai-chat"
    OPENAI_COMPATIBLE = "openai-compatible"
    OPENAI_RESPONSES = "openai-responses"
    OPENAI_EMBED = "openai-embed"
    ANTHROPIC = "anthropic"
    ANTHROPIC_COUNT = "anthropic-count"
    GEMINI = "gemini"
    GEMINI_COUNT = "gemini-count"
    GEMINI_EMBED = "gemini-embed"
    COHERE = "cohere"
    COHERE_EMBED = "cohere-embed"
    COMMAND = "command"

    @property
    def writes(self) -> bool:
        """Whether a good answer is text that a model generated."""
        return self in WRITING


WRITING = frozenset(
    {
        *(Dialect.OPENAI_CHAT, Dialect.OPENAI_COMPATIBLE, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC),
        *(Dialect.GEMINI, Dialect.COHERE, Dialect.COMMAND),
    }
)


class Platform(StrEnum):
    """The software behind a status page, which decides how it is parsed. FEED is any RSS or Atom."""

    STATUSPAGE = "statuspage"
    INCIDENT_IO = "incident-io"
    INSTATUS = "instatus"
    BETTER_STACK = "better-stack"
    CHECKLY = "checkly"
    ONLINE_OR_NOT = "online-or-not"
    DATADOG = "datadog"
    FLASHDUTY = "flashduty"
    GOOGLE_CLOUD = "google-cloud"
    AWS = "aws"
    AZURE = "azure"
    XAI = "xai"
    ALIBABA = "alibaba"
    FEED = "feed"


class Facts(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every block in a provider's file: an unknown key is an error."""


class Auth(Facts, frozen=True, kw_only=True):
    """The header that carries the key; `{key}` in `value` stands for it."""

    header: HeaderName = "authorization"
    value: Annotated[str, Meta(pattern=r"\{key\}", description="a text with {key} where the key goes")] = "Bearer {key}"


class CreditFacts(Facts, frozen=True, kw_only=True):
    """Where an answer states a balance or an allowance: JMESPath over its JSON.

    `each` selects several (one balance per currency); the other expressions then run on each of them. They must find a
    number, or a numeric string, which is multiplied by `scale`; where `left` is missing it is `most` minus `used`.
    `currency` is the literal code, `currency_at` finds it. `unlimited` finds whether there is no limit, `expires` when
    it ends: seconds since 1970 or ISO 8601. Source: https://jmespath.org
    """

    each: Expression | None = None
    left: Expression | None = None
    most: Expression | None = None
    used: Expression | None = None
    unlimited: Expression | None = None
    expires: Expression | None = None
    currency: str | None = None
    currency_at: Expression | None = None
    scale: Annotated[float, Meta(gt=0)] = 1.0


class Canary(Facts, frozen=True, kw_only=True):
    """The smallest real request of one kind.

    `path` is joined to the base address (`..` goes up one level), or is a full URL, which is used only where the
    account has no base of its own. `{model}` in it stands for the model, `{month}` and `{month_s}` for the first
    instant of the month as ISO 8601 and in seconds. `model` is the default when an account names none. A free canary
    costs no tokens and runs every minute, unless it is `optional`: not every account supports it, and a refusal would
    mean nothing. `body` is merged over the dialect's own request. `every_s` is the default interval. `admin`: it uses
    the account's administration key. A command has `run` (program and arguments, unless the account names its own)
    instead of `path`, and must end within `limit_s`; `answers` is a regular expression that matches in a line, or a
    text, of every good answer to it.

    `holds` is JMESPath for something that every good answer contains, even an empty list: it must not find nothing,
    false or an empty text. Without it, a list must have a named entry, and an account answer its `credit`.

    Read from a good answer as well: `credit`; `flags`, JMESPath per fault, where a true value means that the key has
    this fault despite the good answer; `offers`, JMESPath for the names of the models on offer, with `offers_prefix`
    stripped.
    """

    dialect: Dialect
    path: (
        Annotated[
            str, Meta(pattern=r"^(/|https://)", description="a path that begins with /, or an address with https://")
        ]
        | None
    ) = None
    run: Annotated[list[str], Meta(min_length=1)] | None = None
    answers: str | None = None
    limit_s: Annotated[float, Meta(gt=0, le=3600)] | None = None
    model: str | None = None
    free: bool = False
    optional: bool = False
    body: dict[str, Any] = {}
    every_s: Annotated[float, Meta(ge=10, le=86400)] | None = None
    admin: bool = False
    holds: Expression | None = None
    credit: CreditFacts | None = None
    flags: dict[Fault, Expression] = {}
    offers: Expression | None = None
    offers_prefix: str = ""
    source: str
    checked: date | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether `path` is a full URL: a gateway's key must not be sent there."""
        return self.path is not None and self.path.startswith("https://")

    def spoken(self, name: str, account: Account) -> Dialect:
        """Return the wire format in which an account uses this canary; `name` is the canary's own."""
        return Dialect(account.dialects.get(name, self.dialect))

    def line(self, account: Account) -> Sequence[str]:
        """Return the program and arguments that a command runs for an account; empty for any other dialect."""
        return account.command or self.run or ()


class Rule(Facts, frozen=True, kw_only=True):
    """One meaning: when everything it names matches, the answer has this fault, or is fine.

    `status`, `code`, `type` and `reason` match when the answer's is listed (case-insensitive); `tag` when any of the
    three is, since gateways move them around. `message` matches when one of these regular expressions is found in the
    answer's words. A `page` rule applies only to HTML pages (and a CDN's one-line texts), every other rule only to
    everything else. The status of a command is its exit code. An `unanswered` rule reads what a program says about its
    own network path: it matches only where no HTTP status is given. A `loose` rule names a class that also accompanies
    other faults, such as `permission_error` next to spent credit: it is tried after all others, the shared ones too,
    and on a page only when nothing else there is readable. An `own` rule matches what only a gateway itself says to its
    caller: it is never about an account upstream, however a client wraps it. A `firm` rule of codes is not overruled by
    words next to them.
    """

    id: Name
    fault: Fault | None = None
    ok: bool = False
    page: bool = False
    loose: bool = False
    unanswered: bool = False
    own: bool = False
    firm: bool = False
    status: list[int] = []
    tag: list[str] = []
    code: list[str] = []
    type: list[str] = []
    reason: list[str] = []
    message: list[str] = []
    source: str
    checked: date | None = None


class Signal(Facts, frozen=True, kw_only=True):
    """A header that warns of a coming fault, even on a good answer; `value` is searched in the header's value."""

    id: Name
    header: HeaderName
    value: str = ""
    fault: Fault
    source: str
    checked: date | None = None


class Wording(Facts, frozen=True, kw_only=True):
    """The shared last layer of rules and signals: words that mean the same from every provider."""

    checked: date
    rules: list[Rule]
    signals: list[Signal] = []


class Price(Facts, frozen=True, kw_only=True):
    """A model's price in USD per million tokens, and per call. `model` is a prefix of the model's name."""

    model: str
    call_usd: Annotated[float, Meta(ge=0)] = 0.0
    input_usd: Annotated[float, Meta(ge=0)]
    output_usd: Annotated[float, Meta(ge=0)]
    source: str
    checked: date


class Feed(Facts, frozen=True, kw_only=True):
    """One public status source: `url` is polled, `page` is for people.

    `components` are case-insensitive regular expressions for those that matter to an API account; empty: all.
    """

    id: Name
    form: Platform
    url: Url
    page: Url
    components: list[str] = []
    source: str
    checked: date | None = None


class NoPage(Facts, frozen=True, kw_only=True):
    """Why there is no page to fix a fault, as a clause without a full stop, and the address to write to."""

    none: Clause
    mail: Mail | None = None


class Provider(Facts, frozen=True, kw_only=True):
    """A company (or a kind of gateway) that answers, and everything known about it.

    `base` is None for a gateway whose address each account must give, and for a command. `relays`: it calls other
    providers with its own accounts, so an error it passes on says nothing about ours. `windows` gives the seconds that
    a unit's limit spans when its header does not. `help` is the address where a person fixes each fault, or says why
    there is none; `verification` the address per kind of verification, where the answer says which is required.
    `unverified` lists, as dotted paths, facts without a source of their own that nobody checked: `help.rate_limited`,
    `canaries.chat.model`; `help` covers everything below it. `help_checked` is the day on which the addresses of `help`
    and `verification` were read, None where it is that of the file. `company` is the id of the provider whose product
    this is, None where it is its own. `also_called` are names that programs and gateways give it besides its id and its
    name, `also_at` the hosts of its API besides that of `base`: whoever passes on an answer names it by these.
    `domains` are those of the company, below which help may be. All three are read from the shipped files only. `proxy`
    and `ca_file` are for users to set: how requests to it leave, as for an account.
    """

    id: Name
    name: str
    also_called: list[str] = []
    also_at: list[Host] = []
    domains: list[Host] = []
    source: str
    checked: date
    help_checked: date | None = None
    base: Url | None = None
    company: Name | None = None
    key_variables: list[str] = []
    relays: bool = False
    auth: Auth = Auth()
    headers: dict[HeaderName, str] = {}
    request_id: list[HeaderName] = []
    windows: dict[str, float] = {}
    canaries: dict[Name, Canary]
    prices: list[Price] = []
    rules: list[Rule] = []
    signals: list[Signal] = []
    help: dict[Fault, Url | NoPage] = {}
    verification: dict[Demand, Url] = {}
    feeds: list[Feed] = []
    unverified: list[str] = []
    proxy: str | None = None
    ca_file: str | None = None

    @property
    def is_command(self) -> bool:
        """Whether we reach it through a program: it then has no address and takes no key from us."""
        return any(canary.dialect is Dialect.COMMAND for canary in self.canaries.values())

    def facts(self) -> dict[str, bool]:
        """Return the dotted path of each fact that can be wrong by itself, and whether it was verified."""
        told = {path: _is_verified(source) and not self._is_doubted(path) for path, source in self._sources()}
        models = (f"canaries.{name}.model" for name, canary in self.canaries.items() if canary.model)
        helps = (f"help.{fault}" for fault in self.help)
        places = (f"verification.{demand}" for demand in self.verification)
        told |= {path: not self._is_doubted(path) for path in (*models, *helps, *places)}
        return told | {path: False for path in self.unverified if not any(_is_within(one, path) for one in told)}

    def _sources(self) -> Iterator[tuple[str, str]]:
        yield "source", self.source
        yield from ((f"canaries.{name}", canary.source) for name, canary in self.canaries.items())
        yield from ((f"prices.{price.model}", price.source) for price in self.prices)
        yield from ((f"rules.{rule.id}", rule.source) for rule in self.rules)
        yield from ((f"signals.{signal.id}", signal.source) for signal in self.signals)
        yield from ((f"feeds.{feed.id}", feed.source) for feed in self.feeds)

    def _is_doubted(self, path: str) -> bool:
        return any(_is_within(path, doubted) for doubted in self.unverified)

    def cost_usd(self, model: str | None, tokens_in: int, tokens_out: int) -> float | None:
        """Return what a call costs in USD; None when the model's price is not known."""
        for price in self.prices:
            if model and model.startswith(price.model):
                return price.call_usd + (tokens_in * price.input_usd + tokens_out * price.output_usd) / 1e6
        return None


def _is_within(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def _is_verified(source: str) -> bool:
    return not source.startswith("unverified")
