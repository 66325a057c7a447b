"""Pure: a sentence → the same without echoes of our own request, which prove nothing.

A path may contain "billing", a prompt may mention anything. Only API addresses are removed; a link for people
(documentation, a console) stays, since it hints at the cause.
"""

import re
from urllib.parse import urlsplit

VERSION = r"v\d{1,2}(?:alpha|beta)?\d{0,2}"
ADDRESS = re.compile(
    r"""(?P<asked>\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|url|uri|endpoint|fetching\ from)\b[^\w/]{1,4})?
    (?P<url>https?://[^\s"'`<>()\[\]{}\\,;，。；）】]{1,500})""",
    re.VERBOSE | re.IGNORECASE,
)
FOR_PEOPLE = re.compile(
    r"^(?:docs?|help|support|console|platform|dashboard|app|www|developers?|learn|status|studio|cloud|portal)\."
    r"|/(?:docs?|help|support|settings|account|console|pricing|errors?|faq|blog|articles?)(?:[/#?]|$)",
    re.IGNORECASE,
)
OF_ITS_VERSION = re.compile(rf"/{VERSION}(?=/|$)", re.IGNORECASE)
SEGMENTS = r"(?:[\w.~%@+:=&?$-]{1,200}/){0,12}[\w.~%@+:=&?$-]{0,200}"
OF_A_VERSION = re.compile(rf"(?<![\w.~/-])(/?(?:[\w.-]{{1,60}}/){{0,3}}?{VERSION}/){SEGMENTS}", re.IGNORECASE)
ASKED_PATH = re.compile(
    r"\b(?P<word>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|ur[li]|path|route|endpoint|instance|resource)"
    rf"\b(?P<gap>[^\w/]{{1,4}})/{SEGMENTS}",
    re.IGNORECASE,
)
ANY_PATH = re.compile(rf"(?<![\w.:~/\\-])/(?:[\w.~%@+:=&-]{{1,200}}/){SEGMENTS}")
OF_AN_API = re.compile(
    r"/(?:chat/completions|completions|messages|responses|embeddings|models|dashboard/billing/\w+"
    r"|api/usage/token|key/info|users?/(?:me/)?(?:balance|info))(?:[/:]|$)",
    re.IGNORECASE,
)
PROMPT = re.compile(
    r"""(["'](?:content|input|prompt|text|query)["']\s{0,3}[:=]\s{0,3})(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
)


def without_echo(sentence: str, asked: str = "") -> str:
    """Return a sentence without a request's addresses, paths and prompts; `asked` is our address, if known."""
    sentence = without_address(sentence.replace("\\/", "/"), asked)
    if "://" in sentence:
        sentence = ADDRESS.sub(_link_or_nothing, sentence)
    if "/" in sentence:
        sentence = ASKED_PATH.sub(_path_or_version, sentence)
        sentence = OF_A_VERSION.sub(r"\1", sentence)
        sentence = ANY_PATH.sub(_version_or_nothing, sentence)
    return PROMPT.sub(r'\1""', sentence) if '"' in sentence or "'" in sentence else sentence


def without_address(sentence: str, asked: str) -> str:
    """Return a sentence without our address, its host and its path, each only as a whole."""
    if not asked:
        return sentence
    parts = urlsplit(asked)  # we requested it, so it parses
    path = parts.path.rstrip("/")
    bare = path.removeprefix("/") if path.count("/") > 1 else ""
    for token in (asked, f"{parts.netloc}{path}", parts.netloc, parts.hostname or "", path, bare):
        if len(token) > 1:
            sentence = re.sub(rf"(?<![\w.-]){re.escape(token)}(?![\w-])", " ", sentence)
    return sentence


def _link_or_nothing(found: re.Match[str]) -> str:
    host, _, path = found["url"].partition("://")[2].partition("/")
    path, version = f"/{path}", OF_ITS_VERSION.search(f"/{path}")
    if FOR_PEOPLE.search(host) or (FOR_PEOPLE.search(path) and not version):
        return found[0]
    if found["asked"] or version or OF_AN_API.search(path):
        return f"{found['asked'] or ''}{version[0] if version else ''}/"
    return found[0]


def _path_or_version(found: re.Match[str]) -> str:
    return found["word"] + found["gap"] + _version_or_nothing(found)


def _version_or_nothing(found: re.Match[str]) -> str:
    version = OF_ITS_VERSION.search(found[0])
    return f"{version[0] if version else ''}/"
