"""What is written never shows, and never overwrites, what is not its own."""

import os

import pytest

from monitor.cli import main
from monitor.config.load import load_config
from monitor.config.output_path import METRICS_MARK
from monitor.publish import private_site, public_site
from monitor.publish.status import current_state
from monitor.publish.write import _front_page_last, write_site
from probes.document import DocumentError
from tests.builders_page import four_accounts

ACCOUNT = """
[[accounts]]
name = "a"
provider = "openai"
key = "file:keys/openai.key"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "openai.key").write_text("sk-good-0123456789abcdefXYZW")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "style.css").write_text("p {}")
    (tmp_path / "link").symlink_to(tmp_path)
    return tmp_path


def problems(folder, text):
    (folder / "monitor.toml").write_text(text + ACCOUNT)
    try:
        load_config(folder / "monitor.toml", {})
    except DocumentError as error:
        return list(map(str, error.problems))
    return []


@pytest.mark.parametrize("name", ["folder", "public_folder"])
@pytest.mark.parametrize(
    ("place", "what"),
    [
        (".", "monitor.toml"), ("site/..", "monitor.toml"), ("/", "monitor.toml"), ("link", "monitor.toml"),
        ("state", "monitor.db"), ("./state/", "monitor.db"), ("state/monitor.db/site", "monitor.db"),
        ("keys", "openai.key"), ("link/keys", "openai.key"), ("monitor.toml", "monitor.toml"), ("own", "templates"),
    ],
)  # fmt: skip
def test_a_page_is_not_written_where_anything_else_would_be_served_with_it(folder, name, place, what):
    text = f'[site]\ntemplates = "own"\n{name} = "{place}"\n'

    (said, *_) = problems(folder, text)
    assert said.startswith(f'monitor.toml: site.{name} = "{place}" holds {what}, which ')
    assert said.endswith("; name a folder for the pages alone, with nothing else in it")


@pytest.mark.parametrize(
    "text",
    [
        '[store]\npath = "site/monitor.db"\n',
        '[store]\npath = "link/site/deep/monitor.db"\n',
        '[site]\nfolder = "page"\n[store]\npath = "page/x.db"\n',
    ],
)
def test_nor_is_the_database_kept_below_a_page(folder, text):
    (said,) = problems(folder, text)
    assert "site.folder = " in said


def test_a_file_of_a_proxy_a_channel_or_a_heartbeat_is_in_no_page_either(folder):
    for line in (
        '[heartbeat]\nurl = "file:public/x"\n',
        '[[channels]]\nname = "x"\nurl = "file:public/x"\n',
        '[providers.openai]\nproxy = "file:public/x"\n',
        '[providers.openai.headers]\nx-gate = "file:public/x"\n',
    ):
        assert any('public_folder = "public" holds x, which' in said for said in problems(folder, line)), line


@pytest.mark.parametrize("text", ['public_folder = "site"', 'folder = "public/inner"', 'public_folder = "link/site"'])
def test_the_page_that_names_accounts_is_not_put_where_the_public_one_is(folder, text):
    (said,) = problems(folder, f"[site]\n{text}\n")
    assert "is, or holds, the folder of the page that names accounts; name a folder" in said


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("monitor.toml", "is the place of monitor.toml, which would be overwritten"),
        ("link/monitor.toml", "is the place of monitor.toml, which would be overwritten"),
        ("keys/openai.key", "is the place of openai.key, which would be overwritten"),
        ("state/monitor.db", "is the place of monitor.db, which would be overwritten"),
        ("state/monitor.db-wal", "is the place of what belongs to the database"),
        ("link/state/monitor.db.key", "is the place of what belongs to the database"),
        ("state/monitor.db.schema-8", "is the place of what belongs to the database"),
        ("own/style.css", "is a file with something else in it"),
        ("own", "is a folder"),
        ("pipe", "is a pipe or a device, and no file"),
    ],
)
def test_metrics_overwrite_nothing_that_is_not_theirs(folder, place, why):
    os.mkfifo(folder / "pipe")

    (said,) = problems(folder, f'[site]\nmetrics = "{place}"\n')
    assert said.startswith(f'monitor.toml: site.metrics = "{place}" {why}; name a file for the metrics alone')


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("monitor.toml", "is the place of monitor.toml"),
        ("keys/openai.key", "is the place of openai.key"),
        ("own", "is a folder"),
        ("pipe", "is a pipe or a device, and no file"),
        ("to-pipe", "is a pipe or a device, and no file"),
    ],
)
def test_the_database_is_no_file_of_another_use_and_no_device(folder, place, why):
    os.mkfifo(folder / "pipe")
    (folder / "to-pipe").symlink_to("pipe")

    said = problems(folder, f'[store]\npath = "{place}"\n')
    assert f'monitor.toml: store.path = "{place}" {why}; name a file for the database alone, such as ' in said[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[store]\npath = "monitor.db"\n',
        '[site]\nfolder = "state/site"\npublic_folder = ""\nmetrics = "state/provider-monitor.prom"\n',
        '[site]\nfolder = "keys/site"\ntemplates = "."\n',
        '[site]\nmetrics = "site/m.prom"\nfolder = "site-of-ours"\n',
        '[site]\nfolder = "statesite"\npublic_folder = "keys-public"\n',
    ],
)
def test_what_has_a_place_of_its_own_is_taken(folder, text):
    assert problems(folder, text) == []


def test_a_reference_that_names_a_folder_forbids_no_place(folder):
    assert problems(folder, '[heartbeat]\nurl = "file:."\n')[0].startswith("monitor.toml: heartbeat.url")
    assert not any("site." in said for said in problems(folder, '[heartbeat]\nurl = "file:."\n'))


@pytest.mark.parametrize("content", [None, b""])
def test_our_own_metrics_are_written_again(folder, content):
    ours = (
        private_site.render_metrics(four_accounts(), current_state(four_accounts())).classic
        if content is None
        else content
    )
    (folder / "m.prom").write_bytes(ours)

    assert content == b"" or METRICS_MARK in ours
    assert problems(folder, '[site]\nmetrics = "m.prom"\n') == []


@pytest.mark.parametrize("command", ["check", "once"])
def test_nothing_is_touched_where_that_is_refused(folder, capsys, command):
    (folder / "monitor.toml").write_text('[site]\nmetrics = "monitor.toml"\nfolder = "."\n' + ACCOUNT)
    before = sorted(folder.iterdir())

    assert main(["--config", str(folder / "monitor.toml"), command]) == 2
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" = ")[0] for line in said] == ["monitor.toml: site.folder", "monitor.toml: site.metrics"]
    assert sorted(folder.iterdir()) == before
    assert (folder / "monitor.toml").read_text().endswith(ACCOUNT)


BEFORE = '<!doctype html>\n<html lang="de" data-made="2026-11-30T16:47:04Z" data-fresh-s="120">'


@pytest.mark.parametrize(("head", "is_ours"), [(BEFORE, True), (BEFORE.replace("data-made", "data-x"), False)])
def test_pages_of_the_first_versions_which_left_no_mark_are_ours(folder, head, is_ours):
    (folder / "site" / "incidents").mkdir(parents=True)
    (folder / "site" / "incidents" / "20261130-164551-069b43.html").write_text(head)
    (folder / "site" / "index.html").write_text(f"{head}\n<head>")

    assert (problems(folder, "") == []) is is_ours


@pytest.mark.parametrize("name", ["folder", "public_folder"])
@pytest.mark.parametrize("own", ["index.html", "incidents/2026-11.html", "accounts/acme/main.html", "badges/a.svg"])
def test_somebody_elses_pages_are_neither_overwritten_nor_removed(folder, name, own):
    (folder / "www" / own).parent.mkdir(parents=True)
    (folder / "www" / own).write_text("precious")
    text = f'[site]\n{name} = "www"\n'

    (said,) = problems(folder, text)
    assert said == (
        f'monitor.toml: site.{name} = "www" holds {own}, which this program has not written, and would overwrite or '
        "remove; name a folder for the pages alone, with nothing else in it"
    )


@pytest.mark.parametrize("name", ["folder", "public_folder"])
def test_a_folder_of_ours_is_written_to_again(folder, name):
    shot = four_accounts()
    pages = private_site.render(shot) if name == "folder" else public_site.render(shot)
    write_site(folder / "www", pages)
    assert "index.html" in pages
    assert problems(folder, f'[site]\n{name} = "www"\n') == []


@pytest.mark.parametrize("name", ["folder", "public_folder"])
def test_a_folder_whose_pages_were_not_all_written_is_ours(folder, name):
    """As after a kill in the middle of the first page, or on a disk that was full."""
    shot = four_accounts()
    public = sorted(public_site.render(shot).items(), key=lambda page: _front_page_last(page[0]))
    for page, content in private_site.render_pages(shot) if name == "folder" else public:
        (folder / "www" / page).parent.mkdir(parents=True, exist_ok=True)
        (folder / "www" / page).write_bytes(content)
        assert problems(folder, f'[site]\n{name} = "www"\n') == [], page


@pytest.mark.parametrize("own", [".git/index.html", "CNAME", ".nojekyll", "guides/index.html", "lost+found/x"])
def test_what_no_page_takes_the_place_of_may_lie_beside_them(folder, own):
    (folder / "www" / own).parent.mkdir(parents=True)
    (folder / "www" / own).write_text("mine")
    assert problems(folder, '[site]\npublic_folder = "www"\n') == []


@pytest.mark.parametrize(
    ("metrics", "is_refused"),
    [("site/index.html", True), ("public/status.json", True), ("site/own.prom", False), ("elsewhere.txt", False)],
)
def test_metrics_do_not_take_the_place_of_a_page(folder, metrics, is_refused):
    told = problems(folder, f'[site]\nmetrics = "{metrics}"\n')
    assert [f'= "{metrics}" may be the place of a page' in one for one in told] == [True] * is_refused
