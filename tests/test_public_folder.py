"""What the public folder holds is what the site is now."""

import pytest
from msgspec.structs import replace

from monitor.config.public_page import PublicSection, ThemeSection
from monitor.diagnose.subject import Scope
from monitor.publish.public_folder import write_public_site
from monitor.publish.public_site import render
from monitor.publish.snapshot import SiteSettings
from monitor.publish.write import OutsideLink
from probes.model import Fault
from tests.builders_page import BEGAN, account, incident, shown, snapshot
from tests.test_page_public import service

OUTAGE = incident("openai", Fault.SERVER_ERROR, Scope.PROVIDER, targets=("openai/main/list", "openai/main/chat"))


def site(*languages, logo=None, theme=None, **changes):
    manner = SiteSettings(public=PublicSection(languages=languages, theme=theme or ThemeSection()), logo=logo)
    return render(snapshot(account("openai/main"), **{"manner": manner, **changes}))


def names(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("later", [("de",), ("en",), ("de", "en"), ("en", "he", "zh-Hans")])
def test_a_language_that_is_dropped_goes_as_a_whole(tmp_path, later):
    write_public_site(tmp_path, site("en", "de", "he", open_incidents=(shown(OUTAGE),)))
    assert "he/incidents/20261121-101100-openai.html" in names(tmp_path)
    files = site(*later, open_incidents=(shown(OUTAGE),))
    write_public_site(tmp_path, files)
    assert names(tmp_path) == files.keys()
    assert {path.name for path in tmp_path.iterdir()} == {name.split("/")[0] for name in files}


def test_what_others_put_beside_or_below_stays(tmp_path):
    write_public_site(tmp_path, site("en", "de"))
    write_public_site(tmp_path / "he", site("he"))  # of another monitor
    mine = {"CNAME", "de/notes.txt", "de/incidents/notes.txt", "guides/index.html"}
    for name in mine:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine")
    theirs = {name for name in names(tmp_path) if name.startswith("he/")}

    files = site("en")
    write_public_site(tmp_path, files)
    assert names(tmp_path) == files.keys() | mine | theirs


@pytest.mark.parametrize("languages", [("en",), ("en", "de")])
def test_a_logo_and_a_theme_that_are_taken_back_go(tmp_path, languages):
    logo = tmp_path / "ours.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    folder = tmp_path / "www"
    write_public_site(folder, site(*languages, logo=logo, theme=ThemeSection(round_px=3)))
    assert {"logo.svg", "theme.css"} <= names(folder)
    files = site(*languages)
    write_public_site(folder, files)
    assert names(folder) == files.keys()


def test_of_a_service_that_is_removed_only_the_record_of_what_ended_stays_in_every_language(tmp_path):
    ended = replace(OUTAGE, id="e", opened_at=BEGAN.replace(hour=5), closed_at=BEGAN.replace(hour=6))
    seen = {"open_incidents": (shown(OUTAGE),), "past_incidents": (shown(ended),)}
    write_public_site(tmp_path, site("en", "de", services=(service("Chat", "openai/main"),), **seen))
    assert {"badges/service/chat.svg", "de/badges/service/chat.svg"} <= names(tmp_path)
    files = site("en", "de", services=(service("Mail", "openai/other"),), **seen)
    write_public_site(tmp_path, files)
    page = "incidents/20261121-051100-service-chat.html"
    assert names(tmp_path) - files.keys() == {page, f"de/{page}", "history/2026-11.html", "de/history/2026-11.html"}


def test_a_language_behind_a_link_is_left_alone(tmp_path):
    folder, elsewhere = tmp_path / "www", tmp_path / "elsewhere"
    write_public_site(folder, site("en", "de"))
    (folder / "de").rename(elsewhere)
    (folder / "de").symlink_to(elsewhere)
    before = names(elsewhere)
    write_public_site(folder, site("en"))
    assert names(elsewhere) == before
    with pytest.raises(OutsideLink):
        write_public_site(folder, site("en", "de"))
