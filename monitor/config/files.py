"""Files and folders that monitor.toml names, and what is wrong with them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import isdir, isfile  # of a name too long, and in a folder that is closed to us, Path's own raise
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config.address import LADEN, is_address
from monitor.config.document import Document, SiteSection
from monitor.config.output_path import OutputPath, OutputPaths, check_places
from monitor.config.proxy_setting import EgressSetting, files_of
from monitor.config.secret import file_of, is_reference, resolve_path
from monitor.config.section import ENGLISH
from probes.catalog import Catalog
from probes.document import Problem, suggest
from probes.redact import mask_keys

CONFIGURATION = Path("/etc/provider-monitor")
STATE = Path("/var/lib/provider-monitor")
"""Where a service has its monitor.toml, and where it writes: systemd's units and the image have no other places."""
PAGE_TEMPLATES = Path(__file__).parents[2] / "templates" / "page"


def output_folder(folder: Path) -> Path:
    """Return where relative paths of output files begin, for a monitor.toml in this folder.

    That is beside it; but /etc is for configuration. Source: the Filesystem Hierarchy Standard 3.0, 3.7 and 5.8.
    """
    folder = folder.absolute()
    return STATE if folder == CONFIGURATION else folder


def mkdir_repair(named: str | None, folder: Path) -> str:
    """Return the repair for a missing folder; `named` is screened, as a key in it would not show in the whole path."""
    return f"create {folder if mask_keys(f'{named}') == named else 'it'} or leave it out"


def referenced_files(
    document: Document, providers: Catalog, places: Mapping[str, Sequence[str]], folder: Path
) -> tuple[Path, ...]:
    addresses = [text for one in document.channels for text in (one.url, one.secret) if text]
    addresses += [document.heartbeat.url] if document.heartbeat else []
    addresses += document.metrics.headers.values()
    references = [*(one for its in places.values() for one in its), *addresses]
    named = (file for one in references if is_reference(one) and (file := file_of(one, folder)))
    settings: list[EgressSetting] = [*document.accounts, *providers.values()]
    return tuple(dict.fromkeys((*named, *(file for one in settings for file in files_of(one, folder)))))


def ca_files(document: Document, providers: Catalog, folder: Path) -> tuple[Path, ...]:
    settings: list[EgressSetting] = [*document.accounts, *providers.values()]
    return tuple(resolve_path(one.ca_file, folder) for one in settings if one.ca_file)


def check_site(site: SiteSection, file: str) -> Iterator[Problem]:
    for name in ("url", "public_url"):
        url = getattr(site, name)
        if url is not None and not is_address(url):
            yield Problem(file, f"site.{name}", "is no web address", 'write it as "https://host/path"')
        elif url is not None and (urlsplit(url).username or urlsplit(url).query):
            yield Problem(file, f"site.{name}", LADEN, "keep secrets out of it: it stands in messages and on pages")


def check_output_paths(document: Document, path: Path, files: Iterable[Path]) -> Iterator[Problem]:
    site, written, beside = document.site, output_folder(path.parent), path.parent.absolute()

    def outlet(key: str, value: str) -> OutputPath:
        return OutputPath(key, value, written / value)

    outlets = OutputPaths(
        database=outlet("store.path", document.store.path),
        private=outlet("site.folder", site.folder),
        public=outlet("site.public_folder", site.public_folder) if site.public_folder else None,
        metrics=outlet("site.metrics", site.metrics) if site.metrics else None,
    )
    own = [beside / one for one in (site.templates, document.alerts.templates, document.provider_folder) if one]
    return check_places(outlets, [path.absolute(), *files], own, path.name)


def check_programs(document: Document, folder: Path, file: str) -> Iterator[Problem]:
    for section in document.accounts:
        if section.command is None:
            continue
        repair = 'write command = ["PROGRAM", "ARGUMENT", ...]'
        program = "".join(section.command[:1])
        if not program.strip():
            yield Problem(file, f"accounts.{section.name}.command", "names no program", repair)
        elif "/" in program and isdir(resolve_path(program, folder)):
            yield Problem(file, f"accounts.{section.name}.command", "names a folder, which is no program", repair)


def check_appearance(document: Document, folder: Path, file: str) -> Iterator[Problem]:
    """Report template folders that do not exist, and a language without a file of words."""
    site, alerts = document.site, document.alerts
    own = template_folder(site.templates, folder)
    if own and not isdir(own):
        what = f'= "{site.templates}" is no folder'
        yield Problem(file, "site.templates", what, mkdir_repair(site.templates, own))
    else:
        yield from _check_languages({"site.language": site.language}, [own], file)
    of_messages = template_folder(alerts.templates, folder)
    if of_messages and not isdir(of_messages):
        what = f'= "{alerts.templates}" is no folder'
        yield Problem(file, "alerts.templates", what, mkdir_repair(alerts.templates, of_messages))
    else:
        named = {f"channels.{one.name}.language": one.language for one in document.channels if one.language}
        yield from _check_languages({"alerts.language": alerts.language, **named}, [of_messages, own], file)


def template_folder(named: str | None, folder: Path) -> Path | None:
    """Return the folder of the user's own templates, for the page or for messages."""
    return (folder / named).absolute() if named else None


def _check_languages(named: Mapping[str, str], own: Sequence[Path | None], file: str) -> Iterator[Problem]:
    known = known_languages(*own)
    for key, language in named.items():
        if language not in known:
            yield Problem(file, key, f'= "{language}": no such language', suggest(language, known))


def known_languages(*own: Path | None) -> list[str]:
    """Return the languages that have a file of words, ours and the user's; English needs none."""
    folders = [one / "language" for one in (*own, PAGE_TEMPLATES) if one]
    return [ENGLISH, *sorted({file.stem for folder in folders for file in folder.glob("*.toml") if isfile(file)})]
