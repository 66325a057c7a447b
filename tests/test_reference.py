"""The reference is what the code is: `make schema` writes it."""

import re

import pytest

from docs.generate.pages import FOLDER, PAGES, page
from monitor.console.man_page import FILES
from monitor.publish.metrics import metric_families
from monitor.publish.status import current_state
from monitor.store.file_owner import SIDE_FILES
from tests.builders_page import in_full
from tests.markdown import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_reference_is_as_the_code_is(name):
    assert (FOLDER / name).read_text() == page(name), "say: make schema"


def test_each_page_of_the_reference_is_made():
    assert {file.name for file in FOLDER.iterdir()} == set(PAGES)


def test_each_metric_is_among_those_that_are_told():
    source = "".join(file.read_text() for file in (ROOT / "monitor" / "publish").glob("*.py"))
    shot = in_full()

    told = {one.name for one in metric_families(shot, current_state(shot))}
    assert told >= set(re.findall(r'"(llm_\w+)"', source))


def test_each_file_beside_the_database_is_told():
    told = " ".join(FILES)

    assert [one for one in SIDE_FILES if one not in told] == []
