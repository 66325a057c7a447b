"""The style sheet has few sizes and colours: those of its tokens, and no others."""

import re

from monitor.publish.render import TEMPLATES

SHEET = re.sub(r"/\*.*?\*/", "", (TEMPLATES / "style.css").read_text(), flags=re.DOTALL)
RULES = [
    (" ".join(selector.split()), name.strip(), value.strip())
    for selector, block in re.findall(r"([^{}]+)\{([^{}]*)\}", SHEET)
    for name, _, value in (one.partition(":") for one in block.split(";"))
    if value
]
"""Each declaration as selector, property and value; those of a media query, too."""
TOKENS = [(name.removeprefix("--"), value) for _, name, value in RULES if name.startswith("--")]
SIZE = re.compile(r"\d")
COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|lab|lch|oklch|oklab)a?\(", re.IGNORECASE)

EXCEPTED = {
    (":root", "font-size"): "on paper all steps shrink together: it is read from nearer than a screen",
    ("code", "font-size"): "a fixed-width face looks larger than the text around it, of whatever step that is",
    (".stale", "padding"): "its words begin where those of the page do, which is centred in the window",
    (".is-stale body", "padding-block-end"): "room for the note at the foot of the window",
    (".body", "padding-inline-start"): "under the second column of the line that it opens from",
    (".key", "padding-inline-start"): "above the columns of the rows, which begin beside a provider's name",
}
NUDGE = re.compile(r"\.(?:0625|125|1875)rem")
"""Less than a step: by this a mark is centred on the line of its words."""


def strange(properties, allowed=lambda value: False):
    """Return the declarations of such properties that have a size which is no token."""
    named = re.compile(properties)
    return [
        rule
        for rule in RULES
        if named.fullmatch(rule[1]) and rule[:2] not in EXCEPTED and not allowed(rule[2])
        if SIZE.search(re.sub(r"var\([^()]*\)|(?<![\d.])0(?![\d.])", "", rule[2]))
    ]


def test_letters_and_lines_have_the_steps_of_the_scale():
    assert strange("font|font-size|line-height", lambda value: value == "calc(var(--l2) - 2px)") == []


def test_what_stands_apart_stands_on_the_grid_of_four_pixels():
    halves = re.compile(r"calc\(var\(--\w+\) / -2\)")
    assert (
        strange("(?:margin|padding).*|(?:row-|column-)?gap", lambda it: NUDGE.fullmatch(it) or halves.fullmatch(it))
        == []
    )


def test_every_step_is_a_multiple_of_four_pixels_and_letters_only_grow():
    sizes = {
        name: float(value.removesuffix("rem")) * 16 for name, value in TOKENS if re.fullmatch(r"[tls]\d+|lead", name)
    }
    letters = [pixels for name, pixels in sizes.items() if name[0] == "t"]
    assert {name for name, pixels in sizes.items() if name[0] != "t" and pixels % 4} == set()
    assert letters == sorted(letters)


def test_colours_and_corners_are_tokens():
    assert [rule for rule in RULES if not rule[1].startswith("--") and COLOUR.search(rule[2])] == []
    assert strange(".*-radius", lambda value: value == "50%") == []


STATES = {"down", "partly", "at_risk", "up", "good", "tint-down", "tint-partly", "tint-up"}


def test_there_is_one_accent():
    """What is neither of a state nor the accent is grey, or nearly so."""
    rest = {(name, value) for name, value in TOKENS if COLOUR.match(value) and name not in {*STATES, "brand"}}
    assert len(rest) > 10
    assert {one for one in rest if chroma(one[1]) > 0.08} == set()


def chroma(value):
    parts = [int(value[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return max(parts) - min(parts)


def test_figures_stand_in_columns_wherever_numbers_do():
    told = [(selector, value) for selector, name, value in RULES if name == "font-variant-numeric"]
    assert told == [("body", "tabular-nums"), ("h1, h2", "normal")]


def test_every_token_is_used():
    assert {name for name, _ in TOKENS} - set(re.findall(r"var\(--([\w-]+)", SHEET)) == set()


def test_each_exception_is_needed():
    assert {rule[:2] for rule in RULES} >= EXCEPTED.keys()
