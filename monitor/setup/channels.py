"""The channels of one-api or new-api, as their API and their databases export them → accounts.

Sources: relay/channeltype of github.com/songquanpeng/one-api, constant/channel.go of github.com/QuantumNous/new-api.
"""

from collections.abc import Iterator, Mapping

from monitor.setup.address import GATEWAY, is_address, settle, with_version
from monitor.setup.entry import Entry, entries, text_of
from monitor.setup.proposal import Proposal, ProposedAccount, label
from probes.answer.known_name import known_names
from probes.catalog import Catalog

SHARED = {
    1: "openai",
    3: "azure-openai",
    8: GATEWAY,
    14: "anthropic",
    16: "zhipu",
    17: "dashscope",
    20: "openrouter",
    24: "gemini",
    25: "moonshot",
}
"""The numbers of types that both programs have in common; up to 25 their lists are one."""
ONE_API = SHARED | {
    27: "minimax",
    28: "mistral",
    29: "groq",
    30: "ollama",
    35: "cohere",
    36: "deepseek",
    37: "cloudflare",
    39: "together",
}
NEW_API = SHARED | {
    4: "ollama",
    26: "zhipu",
    27: "perplexity",
    34: "cohere",
    35: "minimax",
    39: "cloudflare",
    40: "siliconflow",
    42: "mistral",
    43: "deepseek",
    48: "xai",
}
OF_NEW_API = ("channel_info", "setting", "auto_ban", "param_override")
"""Fields that only new-api exports."""
ENABLED = 1
DEEPEST = 3
"""Tables of an answer of their API around the list."""
OPENAI_LIKE = ("openai", GATEWAY)
WITHOUT_VERSION = {"azure-openai": "/openai/v1"}


def find_channels(document: object) -> list[Entry] | None:
    """Return the channels of an export, as a list or below `data` and `items`; None if it is no such export."""
    inner = document
    for _ in range(DEEPEST):  # in YAML, a table may hold itself
        if isinstance(inner, dict):
            inner = next((inner[name] for name in ("data", "items", "channels") if name in inner), None)
    found = [
        one for one in entries(inner) if isinstance(one.get("type"), int) and {"key", "base_url", "models"} & one.keys()
    ]
    return found or None


def read_channels(channels: list[Entry], file: str, catalog: Catalog) -> Proposal:
    """Return an account for each key of each channel, and the channels that are none."""
    types = NEW_API if any(name in one for one in channels for name in OF_NEW_API) else ONE_API
    accounts, unread = list[ProposedAccount](), list[str]()
    for number, one in enumerate(channels, 1):
        place = f"{file}: channel {number} ({label(text_of(one, 'name'), 'without a name')})"
        if one.get("status", ENABLED) != ENABLED:
            unread.append(f"{place} is switched off there")
        elif (id := _provider(one, types)) is None or id not in catalog:
            unread.append(f"{place} is of type {one['type']}, which is no provider that is known here")
        else:
            accounts += _accounts(one, id, place, catalog)
    return Proposal(tuple(accounts), tuple(unread))


def _provider(one: Entry, types: Mapping[int, str]) -> str | None:
    """Return who is asked: by its type, else at an address of its own as OpenAI is."""
    return types.get(one["type"]) or (GATEWAY if is_address(text_of(one, "base_url")) else None)


def _accounts(one: Entry, id: str, place: str, catalog: Catalog) -> Iterator[ProposedAccount]:
    provider, base = settle(id, _base(one, id), catalog, known_names().hosts)
    models = tuple(model for text in text_of(one, "models").split(",") if (model := text.strip()))
    name = label(text_of(one, "name"), f"channel-{_id(one)}")
    keys = [key for line in text_of(one, "key").splitlines() if (key := line.strip())]
    for key in keys or [""]:
        yield ProposedAccount(provider, name, place, base=base, models=models[:1], expect=models[1:], secret=key)


def _id(one: Entry) -> str:
    id = one.get("id")
    return label(str(id), "without-id") if isinstance(id, int | str) else "without-id"


def _base(one: Entry, id: str) -> str | None:
    """Return the address to ask: both programs add the version of the API themselves."""
    base = text_of(one, "base_url").rstrip("/")
    if not is_address(base):
        return base or None
    if id in WITHOUT_VERSION:
        return f"{base}{WITHOUT_VERSION[id]}"
    return with_version(base) if id in OPENAI_LIKE else base
