"""The shape of a provider's file: facts only, each block with its source and the day it was checked."""

from collections.abc import Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from probes.hint import Demand
from probes.model import Account, Fault

Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
Expression = Annotated[str, Meta(min_length=1)]
Clause = Annotated[str, Meta(pattern=r"^[^\n]*[^\n.\s]$")]
Mail = Annotated[str, Meta(pattern=r"^[^\s@]+@[^\s@]+\.[a-z]+$")]


class Dialect(StrEnum):
    """The few wire formats in which canaries speak; COMMAND runs an official client instead."""

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
        """Whether a good answer is a text that a model wrote."""
        return self in WRITING


WRITING = frozenset(
    {
        *(Dialect.OPENAI_CHAT, Dialect.OPENAI_COMPATIBLE, Dialect.OPENAI_RESPONSES, Dialect.ANTHROPIC),
        *(Dialect.GEMINI, Dialect.COHERE, Dialect.COMMAND),
    }
)


class Platform(StrEnum):
    """Who makes a status page: the form in which it is read. FEED is any RSS or Atom."""

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
    """What every block of a provider's file has in common: an unknown key is an error."""


class Auth(Facts, frozen=True, kw_only=True):
    """The header that carries the key; `{key}` in `value` stands for it."""

    header: HeaderName = "authorization"
    value: Annotated[str, Meta(pattern=r"\{key\}")] = "Bearer {key}"


class CreditFacts(Facts, frozen=True, kw_only=True):
    """Where an answer tells what is left of money or of an allowance: JMESPath over its JSON.

    `each` finds several (a balance in each currency), over which the others are then asked. What they
    find is a number, or a text that is one, times `scale`; where `left` is not told it is `most` less
    `used`. `currency` is the word itself, `currency_at` finds it. `unlimited` finds whether there is no
    end of it, `expires` when it ends: seconds since 1970 or ISO 8601. Source: https://jmespath.org
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

    `path` is joined to the base address (`..` steps up), or is a whole address, which is asked only
    where the account has no base of its own. `{model}` in it stands for the model, `{month}` and
    `{month_s}` for the month's first instant as ISO 8601 and in seconds. `model` is what is asked for
    when an account names none. A free canary costs no tokens and runs each minute, unless it is `optional`:
    not every account can be asked so, and a refusal would mean nothing. `body` is laid over the dialect's
    own request. `every_s` is its pace where nobody says otherwise. `admin`: it takes the account's
    administration key. A command has `run`, its program and arguments where the account names none,
    instead of `path`, and ends within `limit_s`; `answers` is a regular expression that is found in a line, or in a
    text, of every good answer to it.

    `holds` finds what every good answer holds, be it an empty list: JMESPath that finds neither nothing, nor false,
    nor an empty text. Without it a list has an entry with a name, and what tells of the account its `credit`.

    What a good answer tells besides: `credit`; `flags`, JMESPath that finds by a true value that the key
    has this fault all the same; `offers`, JMESPath that finds the names of the models on offer, which
    `offers_prefix` may precede.
    """

    dialect: Dialect
    path: Annotated[str, Meta(pattern=r"^(/|https://)")] | None = None
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

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is asked at an address of its own: the key of a gateway must not go there."""
        return self.path is not None and self.path.startswith("https://")

    def spoken(self, name: str, account: Account) -> Dialect:
        """Return the wire format in which an account asks this canary, whose name is `name`."""
        return Dialect(account.dialects.get(name, self.dialect))

    def line(self, account: Account) -> Sequence[str]:
        """Return program and arguments that a command runs for an account; empty for any other dialect."""
        return account.command or self.run or ()


class Rule(Facts, frozen=True, kw_only=True):
    """One meaning: when all that it names fits, the answer has this fault, or is fine.

    `status`, `code`, `type` and `reason` fit when the answer's is one of those listed (case apart);
    `tag` when any of the three is, since gateways move them about. `message` fits when one of these
    regular expressions is found in the answer's words. A rule with `page` looks at HTML pages (and a
    CDN's one-line texts) only, every other rule at everything else. The status of a command is its
    exit code. An `unanswered` rule reads what a program says of its own road there: it fits only where no HTTP status
    is told. A `loose` rule names a class that stands beside other troubles as well, `permission_error`
    beside a spent credit: it is asked after all others, the shared ones too, and of a page only when nothing on it
    speaks. An `own` rule reads what a gateway alone says, of whoever asks it: it is never about an account upstream,
    whatever frame a client has put around it. A `firm` rule of codes yields to no words beside them.
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


class Signal(Facts, frozen=True, kw_only=True):
    """A header that tells of trouble to come, also beside a good answer; `value` is found in what it says."""

    id: Name
    header: HeaderName
    value: str = ""
    fault: Fault
    source: str


class Wording(Facts, frozen=True, kw_only=True):
    """The shared last layer of rules and signals: words that mean the same whoever says them."""

    checked: date
    rules: list[Rule]
    signals: list[Signal] = []


class Price(Facts, frozen=True, kw_only=True):
    """What a model costs, in USD per million tokens, and per call besides. `model` is a prefix of its name."""

    model: str
    call_usd: Annotated[float, Meta(ge=0)] = 0.0
    input_usd: Annotated[float, Meta(ge=0)]
    output_usd: Annotated[float, Meta(ge=0)]
    source: str
    checked: date


class Feed(Facts, frozen=True, kw_only=True):
    """One public status source: `url` is read, `page` is what people open.

    `components` are regular expressions of those that matter to an account of the API, case apart; empty: all.
    """

    id: Name
    form: Platform
    url: Url
    page: Url
    components: list[str] = []
    source: str


class NoPage(Facts, frozen=True, kw_only=True):
    """Where a fault has no page at which it is mended: why, as a clause without a full stop, and whom to write to."""

    none: Clause
    mail: Mail | None = None


class Provider(Facts, frozen=True, kw_only=True):
    """A company (or a kind of gateway) that answers, with all that is known of it.

    `base` is None for a gateway whose address each account must give, and for a command. `relays`: it asks other
    providers with accounts of its own, so that what it repeats of those says nothing of ours. `windows` says how many
    seconds a limit of a unit spans when its header does not. `help` gives the address at which a person
    mends each fault, or says why there is none; `verification` that of each kind of verification, where the answer says
    which it wants. `unverified` names facts that have no source of their own
    and were not checked, as dotted paths: `help.rate_limited`, `canaries.chat.model`; `help` names all
    that is below it. `company` is the id of the provider whose product it is, None where that
    is itself. `proxy` and `ca_file` are for the user to lay over: how requests to it leave, as an account's.
    """

    id: Name
    name: str
    source: str
    checked: date
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
        """Whether it is asked through a program, so that it has no address and takes no key from us."""
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
        """Return what a call with so many tokens costs; None when the model's price is not known."""
        for price in self.prices:
            if model and model.startswith(price.model):
                return price.call_usd + (tokens_in * price.input_usd + tokens_out * price.output_usd) / 1e6
        return None


def _is_within(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")


def _is_verified(source: str) -> bool:
    return not source.startswith("unverified")
