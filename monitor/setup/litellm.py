"""A LiteLLM `config.yaml` → accounts. Source: https://docs.litellm.ai/docs/proxy/configs."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from monitor.setup.address import GATEWAY, is_address, provider_called, settle
from monitor.setup.entry import entries, text_of
from monitor.setup.proposal import Proposal, ProposedAccount, label
from probes.answer.known_name import KnownNames, known_names
from probes.catalog import Catalog

OWN_NAMES = {
    "azure_ai": "azure-openai",
    "azure_text": "azure-openai",
    "anthropic_text": "anthropic",
    "bedrock_converse": "bedrock",
    "cohere_chat": "cohere",
    "custom_openai": GATEWAY,
    "hosted_vllm": "vllm",
    "litellm_proxy": "litellm",
    "llamafile": "llama-cpp",
    "lm_studio": GATEWAY,
    "meta_llama": "llama-api",
    "ollama_chat": "ollama",
    "openai_like": GATEWAY,
    "text-completion-openai": "openai",
    "vertex_ai_beta": "vertex",
}
"""What LiteLLM calls a provider in a way of its own: the part of `model` before the slash."""
BARE = {r"gpt-|o[1-9]\b|chatgpt|text-embedding-": "openai", r"claude-": "anthropic", r"command-": "cohere"}
"""How a model without a provider begins, by which LiteLLM knows it."""
VARIABLE = "os.environ/"
READ = frozenset({"model", "custom_llm_provider", "litellm_credential_name", "api_base", "base_url", "api_key"})
TUNING = frozenset(
    {"rpm", "tpm", "max_tokens", "temperature", "timeout", "stream_timeout", "max_retries", "weight", "order", "tags"}
    | {
        "input_cost_per_token",
        "output_cost_per_token",
        "api_version",
        "drop_params",
        "merge_reasoning_content_in_choices",
    }
)
"""What says nothing of whether an account works."""
WHOLE = {
    "include": "holds other files: give those to --from, too",
    "environment_variables": "sets variables, which stay there",
}
"""What stands beside the list of models, and is not taken over."""


def read_litellm(tables: Mapping[str, Any], file: str, catalog: Catalog) -> Proposal:
    """Return the accounts behind the deployments of `model_list`, and each deployment that is none."""
    credentials = {text_of(one, "credential_name"): one for one in entries(tables.get("credential_list"))}
    accounts, unread = list[ProposedAccount](), list[str]()
    for number, one in enumerate(entries(tables.get("model_list")), 1):
        place = f"{file}: model_list {number} ({label(text_of(one, 'model_name'), 'without a name')})"
        found = _account(one, place, credentials, catalog)
        (unread if isinstance(found, str) else accounts).append(found)  # type: ignore[arg-type]
        if not isinstance(found, str) and (left := _left_out(one)):
            unread.append(f"{place}: {', '.join(left)}: not taken over, and the account may need it")
    unread += [f"{file}: {name} {why}" for name, why in WHOLE.items() if tables.get(name)]
    return Proposal(tuple(accounts), tuple(unread))


def _left_out(entry: Mapping[str, Any]) -> list[str]:
    """Return the settings of a deployment that may matter, and that no account here has."""
    return [str(name)[:40] for name in entry["litellm_params"] if name not in READ | TUNING]


def _account(
    entry: Mapping[str, Any], place: str, credentials: Mapping[str, Mapping[str, Any]], catalog: Catalog
) -> ProposedAccount | str:
    """Return the account of a deployment, or in words why it is none."""
    given = entry.get("litellm_params")
    if not isinstance(given, dict):
        return f"{place} has no litellm_params"
    stored = credentials.get(text_of(given, "litellm_credential_name"), {}).get("credential_values")
    settings = {**(stored if isinstance(stored, dict) else {}), **given}
    names, model = known_names(), text_of(settings, "model")
    id, asked = _provider(model, text_of(settings, "custom_llm_provider"), names)
    if id is None or id not in catalog or catalog[id].is_command:
        return f'{place}: model = "{model[:60]}" is of no provider that is known here'
    provider, base = settle(id, _base(id, settings), catalog, names.hosts)
    found = ProposedAccount(provider, "litellm", place, base=base, models=_models(asked), hindrance=_hindrance(base))
    return _with_key(found, text_of(settings, "api_key"), catalog)


def _hindrance(base: str | None) -> str:
    """Say that an address stands in a variable, which no `base` here can name."""
    if not base or not base.startswith(VARIABLE):
        return ""
    return f"its address stands in the variable {base.removeprefix(VARIABLE)[:60]}: write it as base"


def _provider(model: str, named: str, names: KnownNames) -> tuple[str | None, str]:
    """Return the provider of a model, and how the provider calls it."""
    first, slash, rest = model.partition("/")
    if id := provider_called(named or (first if slash else ""), names.names, OWN_NAMES):
        return id, rest if slash and not named else model
    return next((id for begin, id in BARE.items() if re.match(begin, model)), None), model


def _base(id: str, settings: Mapping[str, Any]) -> str | None:
    base = text_of(settings, "api_base") or text_of(settings, "base_url")
    if id == "azure-openai" and is_address(base) and "/openai" not in base:
        return f"{base.rstrip('/')}/openai/v1"
    return base or None


def _models(asked: str) -> tuple[str, ...]:
    return () if "*" in asked or not asked else (asked,)


def _with_key(one: ProposedAccount, key: str, catalog: Catalog) -> ProposedAccount:
    """Add where the key is: LiteLLM reads the provider's usual variable where the file names none."""
    if key.startswith(VARIABLE):
        return replace(one, key=f"env:{key.removeprefix(VARIABLE)}")
    if key:
        return replace(one, secret=key)
    usual = next(iter(catalog[one.provider].key_variables), None)
    return replace(one, key=f"env:{usual}") if usual and one.base is None else one
