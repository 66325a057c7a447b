"""Whatever stands in monitor.toml, or where a key should be, is loaded or refused in clean words, with the repair."""

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitor.config.config import Config
from monitor.config.key_form import find_flaws, header_flaw
from monitor.config.load import load_config
from monitor.config.secret import KINDS, SecretError, is_reference, looks_like_reference, resolve_secret
from probes.catalog import load_provider
from probes.document import DocumentError, escape_unprintable
from tests.fuzz.material import ANY_TEXT, NUMBERS, fuzz, is_clean

SHIPPED = (Path(__file__).parents[2] / "monitor.toml").read_text(encoding="utf-8")
OPEN = "\n".join(line.removeprefix("# ") for line in SHIPPED.split("\n") if re.match(r"# \[|# [a-z_]+ *=", line))
"""The shipped file with its examples as lines of their own."""
BLOCKS = ["", *re.findall(r"(?ms)^\[.*?(?=^\[|\Z)", OPEN)]
"""The tables of it."""
OPENAI = load_provider("openai")
KEY = "sk-proj-Wq8ZtL5vXn2RjP7mTb4K"
VALUES = (
    NUMBERS
    | st.sampled_from(
        [
            *(
                '""',
                "[]",
                "{}",
                "true",
                "nan",
                "-inf",
                "1e999",
                '"env:"',
                '"file:"',
                '"command:"',
                "9999-12-31",
                "07:61:00",
            ),
            *(
                '"http://[::1"',
                '"\\u0000"',
                '"\\uD800"',
                '"\\u001b[31m"',
                '"https://"',
                '"file:/dev/full/x"',
                '"env:A=B"',
            ),
            *("'''", '"""', "[[[[", "{a={a={a={}}}}", f'"{KEY}"', f'["{KEY}"]', '"' + "x" * 9000 + '"', "1" * 5000),
        ]
    )
    | ANY_TEXT.map(lambda text: f'"{text}"')
)


@st.composite
def documents(draw):
    """Some tables of the shipped file, with some of the values replaced and some of the lines lost."""
    lines = "".join(draw(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=5))).split("\n")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        name, sign, _ = lines[at].partition("=")
        lines[at] = (
            f"{name}= {draw(VALUES)}" if sign else draw(st.sampled_from(["", "[a]", "[[a]]", lines[at] * 2]) | ANY_TEXT)
        )
    return "\n".join(lines)


def refused(text):
    """What is said against a configuration; nothing when it is loaded."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "monitor.toml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            assert isinstance(load_config(file, {"OPENAI_API_KEY": KEY}), Config)
        except DocumentError as error:
            return list(map(str, error.problems)) or ["nothing is said"]
        return []


@fuzz
@given(documents())
def test_a_configuration_is_loaded_or_refused_in_clean_words(text):
    problems = refused(text)

    assert all(is_clean(problem, longest=4_000) for problem in problems)
    assert not any(KEY in problem for problem in problems)
    assert "nothing is said" not in problems


PLACES = st.sampled_from(
    ["env:", "file:", "ENV:", "command:", "command:'", "env:A\0", "file:\0", "file:~nobody/x", "file:."]
)
PATHS = st.text(st.characters(exclude_categories=("Cs",), min_codepoint=0x80), max_size=40)
"""No file of TOML holds half of a surrogate pair; and nothing in ASCII, lest it be the name of a program."""
REFERENCES = st.builds(str.__add__, PLACES, PATHS)


def resolved(reference, content=None):
    """The secret that a reference leads to, and why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        if content is not None:
            (Path(folder) / "key").write_bytes(content)
        try:
            return resolve_secret(reference, Path(folder), {}), ""
        except SecretError as error:
            return "", escape_unprintable(str(error))


@fuzz
@given(REFERENCES)
def test_no_reference_to_a_key_does_more_than_say_why_there_is_none(reference):
    assert is_reference(reference) in (True, False)
    assert looks_like_reference(reference)
    if reference.partition(":")[0] in KINDS:
        secret, problem = resolved(reference)
        assert bool(secret) is not bool(problem)
        assert is_clean(problem, longest=1_000)


@fuzz
@given(ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
def test_what_a_key_file_holds_can_be_sent_or_is_refused_in_clean_words(content):
    secret, problem = resolved("file:key", content)

    assert is_clean(problem, longest=1_000)
    assert bool(secret) is not bool(problem)
    assert secret.isascii()
    assert secret.isprintable()
    said = [one.words for one in find_flaws(secret, OPENAI, gateway=False)] if secret else []
    assert all(is_clean(words, longest=1_000) for words in [*said, header_flaw("a", secret) or ""])
