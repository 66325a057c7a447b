"""A checkout of this program's sources: a proposed rule and its sample → its files, proven or left as they were."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from probes.catalog import find_contradictions, load_wording
from probes.document import DocumentError, Problem, convert, read_toml
from probes.proposal import ProposedRule, rule_block, wrongly_read
from probes.provider import Provider

HEADER = re.compile(r"^\[", re.MULTILINE)


class SourceTree(Struct, frozen=True):
    """Where the files of the providers and their samples are."""

    root: Path

    def provider_file(self, id: str) -> Path:
        return self.root / "probes" / "providers" / f"{id}.toml"

    def sample_file(self, id: str, rule: str) -> Path:
        return self.root / "tests" / "samples" / id / f"{rule}.http"

    def samples(self, id: str) -> Mapping[str, str]:
        """Return the text of each sample of a provider, by the id of its rule."""
        folder = self.root / "tests" / "samples" / id
        return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.http"))}


def find_tree(*folders: Path) -> SourceTree | None:
    """Return the first folder that is a checkout; None where the program is installed without one."""
    for root in folders:
        if (root / "probes" / "providers").is_dir() and (root / "tests" / "samples").is_dir():
            return SourceTree(root)
    return None


def write_rule(tree: SourceTree, id: str, proposal: ProposedRule, sample: str) -> list[Path]:
    """Write a rule and its sample, and return the files.

    Raises DocumentError if the rule proves wrong, or a file cannot be written; then all is as it was.
    """
    facts, proof = tree.provider_file(id), tree.sample_file(id, proposal.rule.id)
    if problems := list(_in_the_way(facts, proof)):
        raise DocumentError(problems)
    before = facts.read_text(encoding="utf-8")
    try:
        proof.parent.mkdir(exist_ok=True)
        proof.write_text(sample, encoding="utf-8")
        facts.write_text(with_block(before, proposal), encoding="utf-8")
        prove(tree, id)
    except BaseException as error:
        _undo(facts, before, proof)
        if isinstance(error, OSError):
            what = f"cannot be written ({error.strerror})"
            raise DocumentError([Problem(str(error.filename), "", what, "make it writable")]) from None
        raise
    return [facts, proof]


def _undo(facts: Path, before: str, proof: Path) -> None:
    with suppress(OSError):  # why it cannot be written is told already
        proof.unlink(missing_ok=True)
    with suppress(OSError):
        facts.write_text(before, encoding="utf-8")


def _in_the_way(facts: Path, proof: Path) -> Iterable[Problem]:
    if not facts.is_file():
        yield Problem(str(facts), "", "is not there", "write the file of a new provider first; see CONTRIBUTING.md")
    if proof.exists():
        yield Problem(str(proof), "", "is there already", "give it the name of its rule, or take it away")


def with_block(text: str, proposal: ProposedRule) -> str:
    """Return a provider's file with the rule above the one that it must precede, or below all others."""
    block = rule_block(proposal.rule)
    if proposal.before:
        found = re.search(rf'^\[\[rules\]\](?:[^\S\n]*#.*)?\nid = "{re.escape(proposal.before)}"', text, re.MULTILINE)
        if found is None:
            raise DocumentError([_unplaced(proposal)])
        return f"{text[: found.start()]}{block}\n{text[found.start() :]}"
    place = _end_of_rules(text)
    return f"{text[:place].rstrip()}\n\n{block}\n{text[place:]}".rstrip("\n") + "\n"


def _unplaced(proposal: ProposedRule) -> Problem:
    return Problem(
        "rules", str(proposal.before), "does not begin with its id", f"place the rule {proposal.rule.id} by hand"
    )


def _end_of_rules(text: str) -> int:
    """Return where the last rule ends: at the first line of comment, or the table, that comes after it."""
    last = text.rfind("\n[[rules]]")
    if last < 0:
        later = text.find("\n# Status ---") + 1 or text.find("\n[[feeds]]") + 1
        return later or len(text)
    next_table = HEADER.search(text, last + len("\n[[rules]]"))
    end = next_table.start() if next_table else len(text)
    comment = re.compile(r"^#", re.MULTILINE).search(text, _last_blank(text, last), end)
    return comment.start() if comment else end


def _last_blank(text: str, start: int) -> int:
    """Return where the empty line after a block is; comments above it are the block's own."""
    found = text.find("\n\n", start + 1)
    return found if found >= 0 else len(text)


def prove(tree: SourceTree, id: str) -> None:
    """Raise DocumentError unless the provider's file is sound and each sample reaches its rule."""
    file = tree.provider_file(id)
    provider, problems = convert(read_toml(file), Provider, file.name)  # read anew: `load_provider` keeps what it read
    if provider is None or problems:
        raise DocumentError(problems)
    wording = load_wording().rules
    problems += find_contradictions(provider, file.name)
    problems += [
        Problem(
            file.name, f"rules.{rule}", "is not the one that reads its sample", "place or word the new rule otherwise"
        )
        for rule in wrongly_read(provider, wording, tree.samples(id))
    ]
    if problems:
        raise DocumentError(problems)
