"""The pictures show what they are called. Without Chromium this is skipped, but fails where CI is set."""

import os
from pathlib import Path

import pytest

from tests.pictures import CHROMIUM, README, SCHEMES, SHOTS, WIDTHS, first_screens, main, pictures, write_sites

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium is not installed (Debian: apt install chromium)"
    ),
]
EVERY = {"index", "provider", "account", "incident", "history", "404", "public", "public-incident"}
NOT_YET = {"empty": {"provider", "account", "incident"}}


def size_of(png):
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_a_picture_is_made_for_what_is_asked_as_wide_as_it_says_and_again_the_same(tmp_path):
    patterns = ["empty-404-*-light", "empty-404-360-dark"]
    main(tmp_path, patterns)
    made = {file.stem: file.read_bytes() for file in tmp_path.iterdir()}
    widths = {name: size_of(picture)[0] for name, picture in made.items()}
    assert widths == {f"empty-404-{width}-light": width for width in WIDTHS} | {"empty-404-360-dark": 360}
    assert made == dict(pictures(patterns))
    assert len(set(made.values())) == len(made)


@pytest.mark.parametrize("name", ["3", "40", "demo", "empty", "offline", pytest.param("500", marks=pytest.mark.slow)])
def test_there_is_a_page_of_each_type(tmp_path, name):
    pages = write_sites(tmp_path, SHOTS[name]().snapshot)
    assert all(file.is_file() for file in pages.values())
    missing = EVERY - set(pages)
    assert missing <= NOT_YET.get(name, set()) | {"public-incident"}
    assert name != "40" or not missing


def test_the_pictures_of_the_readme_are_made_for_both_schemes():
    made = dict(first_screens())
    assert [file.relative_to(README.parent) for file in made] == [
        Path("docs/page-light.webp"),
        Path("docs/page-dark.webp"),
    ]
    assert all(picture[:4] == b"RIFF" and picture[8:12] == b"WEBP" for picture in made.values())
    assert len(set(made.values())) == len(SCHEMES)
