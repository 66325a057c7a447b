"""A configuration to be: its text, and the keys that no variable or file holds yet."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from monitor.config.config import Config
from monitor.config.load import config_of_text
from monitor.setup.place import store_secret, write_new
from monitor.setup.proposal import ProposedAccount, Variables
from monitor.setup.text import document_text, merged_text
from probes.document import DocumentError, Problem, parse_toml

STAND_IN = "PROVIDER_MONITOR_INIT_"
"""Begins the variables that stand for secrets until these are written."""


class ConfigDraft(Struct, frozen=True):
    """What would be written to `file`, into the text that is `present` there; None: as a whole file.

    `channel` is the name and the reference of a channel, None for none. `secrets` are values by the variable that
    stands for each.
    """

    file: Path
    present: str | None = None
    accounts: tuple[ProposedAccount, ...] = ()
    channel: tuple[str, str] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"ConfigDraft({self.file})"

    @property
    def text(self) -> str:
        if self.present is None:
            return document_text(self.accounts, self.channel)
        return merged_text(self.present, self.accounts, self.channel)

    @property
    def ids(self) -> list[str]:
        """The ids of the accounts that it adds, and that would be watched."""
        return [one.id for one in self.accounts if one.is_ready]

    def sends_abroad(self, one: ProposedAccount) -> bool:
        """Whether a key of this environment goes to an address that is not the provider's own."""
        kind, _, name = (one.key or "").partition(":")
        return one.base is not None and kind == "env" and name not in self.secrets

    def load(self, environment: Variables) -> Config:
        """Return it as it would be read. Raises DocumentError."""
        if self.present is not None and _is_toml(self.present) and not _is_toml(self.text):
            repair = "write each as a block, [[accounts]] or [[channels]], or name another file: --config FILE"
            raise DocumentError([Problem(self.file.name, "", "has a list to which no block can be added", repair)])
        return config_of_text(self.text, self.file, {**environment, **self.secrets})


def _is_toml(text: str) -> bool:
    try:
        parse_toml(text, "")
    except DocumentError:
        return False
    return True


def with_secrets(draft: ConfigDraft, *, copy: bool) -> ConfigDraft:
    """Return a draft in which a stand-in names each key that only an imported file holds; else it is not watched."""
    accounts, secrets = list[ProposedAccount](), dict(draft.secrets)
    for one in draft.accounts:
        name = f"{STAND_IN}{len(secrets)}"
        if one.secret and copy:
            secrets[name] = one.secret
            one = replace(one, key=f"env:{name}", secret="")
        elif one.secret:
            one = replace(one, secret="", hindrance=one.hindrance or NOT_COPIED)
        accounts.append(one)
    return replace(draft, accounts=tuple(accounts), secrets=secrets)


NOT_COPIED = 'its key stands in that file itself: say init --copy-keys, or add key = "env:NAME"'


def vetted(draft: ConfigDraft, environment: Variables) -> ConfigDraft:
    """Return a draft in which each account that could not work says why, and is not watched."""
    known = {**environment, **draft.secrets}
    found = (one if one.hindrance else replace(one, hindrance=_flaw(one, draft.file, known)) for one in draft.accounts)
    return replace(draft, accounts=tuple(found))


def _flaw(one: ProposedAccount, file: Path, environment: Variables) -> str:
    text = document_text([one], None)
    if _has_half(text):
        return "its name, address or file holds bytes that are no text: rename it"
    try:
        config = config_of_text(text, file, environment, sends=False)
    except DocumentError as error:
        return "; ".join(f"{it.key} {it.what}: {it.repair}" for it in error.problems)
    return next((account.problem for account in config.accounts.values() if account.problem), "")


def _has_half(text: str) -> bool:
    """Whether a text holds half of a character, as half of an escape in JSON and foreign bytes in a file's name do."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def only_watched(draft: ConfigDraft) -> ConfigDraft:
    """Return a draft without what cannot work: each merge would write that again."""
    return replace(draft, accounts=tuple(one for one in draft.accounts if one.is_ready))


def check_watched(draft: ConfigDraft) -> None:
    """Raise DocumentError with what stands against each account if none of them would be watched."""
    if not draft.ids:
        problems = [Problem(one.source, "", one.hindrance, "mend that, and say init again") for one in draft.accounts]
        raise DocumentError([*problems, Problem(draft.file.name, "accounts", "would be empty", FIRST_KEY)])


FIRST_KEY = (
    "set a variable such as OPENAI_API_KEY, write it into .env here, or name a file of another tool: init --from FILE"
)


def write_draft(draft: ConfigDraft) -> Iterable[Path]:
    """Write the secrets into files of their own, then the configuration that refers to them; return the secrets' files.

    Raises DocumentError if that is not possible.
    """
    text, written = draft.text, list[Path]()
    by_key = {one.key: one.id for one in draft.accounts}
    for name, secret in draft.secrets.items():
        reference = store_secret(draft.file.parent, by_key.get(f"env:{name}", "messages"), secret)
        text = text.replace(f'"env:{name}"', f'"{reference}"')
        written.append(draft.file.parent / reference.partition(":")[2])
    write_new(draft.file, text)
    return written
