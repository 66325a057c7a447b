"""The shape of a provider's file: facts only, each block with its source and the day it was checked."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta, Struct

from probes.model import Fault

Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
HeaderName = Annotated[str, Meta(pattern=r"^[a-z0-9-]+$")]


class Dialect(StrEnum):
    """The few wire formats in which canaries speak."""

    LIST = "list"
    OPENAI_CHAT = "openai-chat"
    OPENAI_COMPATIBLE = "openai-compatible"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    COHERE = "cohere"


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


class Canary(Facts, frozen=True, kw_only=True):
    """The smallest real request of one kind.

    `path` is joined to the base address; `{model}` in it stands for the model. `model` is what is
    asked for when an account names none. A free canary costs no tokens and runs each minute. `body`
    is laid over the dialect's own request. `every_s` is its pace where nobody says otherwise, for one
    that costs more money or allowance than most.
    """

    dialect: Dialect
    path: Annotated[str, Meta(pattern=r"^/")]
    model: str | None = None
    free: bool = False
    body: dict[str, Any] = {}
    every_s: Annotated[float, Meta(ge=10, le=86400)] | None = None
    source: str


class Rule(Facts, frozen=True, kw_only=True):
    """One meaning: when all that it names fits, the answer has this fault, or is fine.

    `status`, `code`, `type` and `reason` fit when the answer's is one of those listed (case apart);
    `tag` when any of the three is, since gateways move them about. `message` fits when one of these
    regular expressions is found in the answer's words. A rule with `page` looks at HTML pages (and a
    CDN's one-line texts) only, every other rule at everything else.
    """

    id: Name
    fault: Fault | None = None
    ok: bool = False
    page: bool = False
    status: list[int] = []
    tag: list[str] = []
    code: list[str] = []
    type: list[str] = []
    reason: list[str] = []
    message: list[str] = []
    source: str


class Wording(Facts, frozen=True, kw_only=True):
    """The shared last layer of rules: words that mean the same whoever says them."""

    checked: date
    rules: list[Rule]


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


class Provider(Facts, frozen=True, kw_only=True):
    """A company (or a kind of gateway) that answers, with all that is known of it.

    `base` is None for a gateway whose address each account must give. `windows` says how many
    seconds a limit of a unit spans when its header does not. `help` gives the address at which a
    person mends each fault.
    """

    id: Name
    name: str
    source: str
    checked: date
    base: Url | None = None
    key_variables: list[str] = []
    auth: Auth = Auth()
    headers: dict[HeaderName, str] = {}
    request_id: list[HeaderName] = []
    windows: dict[str, float] = {}
    canaries: dict[Name, Canary]
    prices: list[Price] = []
    rules: list[Rule] = []
    help: dict[Fault, Url] = {}
    feeds: list[Feed] = []

    def cost_usd(self, model: str | None, tokens_in: int, tokens_out: int) -> float | None:
        """Return what a call with so many tokens costs; None when the model's price is not known."""
        for price in self.prices:
            if model and model.startswith(price.model):
                return price.call_usd + (tokens_in * price.input_usd + tokens_out * price.output_usd) / 1e6
        return None
