"""The address in somebody's configuration → the provider who answers there, and the base to ask."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from probes.answer.known_name import plain
from probes.catalog import Catalog

GATEWAY = "openai-compatible"
SUFFIXES = {
    ".openai.azure.com": "azure-openai",
    ".services.ai.azure.com": "azure-openai",
    ".api.aws": "bedrock",
    ".amazonaws.com": "bedrock",
    "-aiplatform.googleapis.com": "vertex",
    ".router.huggingface.co": "huggingface",
    "ollama.com": "ollama",
}
"""The ends of hosts that each customer has for themselves."""
VERSIONED = frozenset({GATEWAY, "litellm", "llama-cpp", "new-api", "ollama", "vllm"})
"""Programs that anybody runs, at a base that ends with /v1."""
PORTS = {11434: "ollama"}
SPOKEN = re.compile(
    r"/(?:chat/completions|completions|messages(?:/count_tokens)?|responses|embeddings|models(?:/[^/]*)?|chat|api/tags"
    r"|props)/?$"
)
"""The end of the path of a request to an LLM API; what stands before it is the base."""
VERSION = re.compile(r"/v\d\w*(?=/|$)")


def provider_called(name: str, names: Mapping[str, str], more: Mapping[str, str]) -> str | None:
    """Return the provider that a program calls by a name; `more` is what it calls in its own way."""
    return more.get(name) or names.get(plain(name))


def is_address(text: str) -> bool:
    """Whether a text is a web address, with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def provider_at(url: str, hosts: Mapping[str, str]) -> str | None:
    """Return whose API is at an address; None if the host is nobody's that we know."""
    if not is_address(url):
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    ending = next((id for end, id in SUFFIXES.items() if host.endswith(end)), None)
    return hosts.get(host) or ending or PORTS.get(parts.port or 0)


def speaks_like_one(url: str) -> bool:
    """Whether the path of an address is that of a request to an LLM API."""
    return SPOKEN.search(urlsplit(url).path) is not None


def base_of(url: str) -> str:
    """Return the base of the address of a request: without the request's own path, query and last slash."""
    parts = urlsplit(url)
    path = SPOKEN.sub("", parts.path).rstrip("/")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"


def with_version(base: str) -> str:
    """Return a base as OpenAI's dialect wants it: many programs add `/v1` themselves."""
    return base if VERSION.search(urlsplit(base).path) else f"{base.rstrip('/')}/v1"


def settle(id: str, base: str | None, catalog: Catalog, hosts: Mapping[str, str]) -> tuple[str, str | None]:
    """Return who is asked, and at which base; None: at the provider's own.

    `id` is who was named, which counts where the address is nobody's: there OpenAI's dialect is a gateway's. A base
    that is no address stays as it is, to be refused: without it, the key would go to the provider's own.
    """
    if base is None or not is_address(base):
        return id, base
    found = provider_at(base, hosts) or (GATEWAY if id == "openai" else id)
    if found in VERSIONED:
        return found, with_version(base)
    own = urlsplit(catalog[found].base or "").hostname
    return found, None if own == urlsplit(base).hostname else base.rstrip("/")
