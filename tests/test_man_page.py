"""The manual page has all that `help` says, and is sound roff."""

import re
import shutil
import subprocess
from argparse import ArgumentParser

import pytest

from monitor.cli import COMMANDS, load_command, main
from monitor.console.man_page import man_page


@pytest.fixture
def page(capsys):
    assert main(["help", "--man"]) == 0
    return capsys.readouterr().out


def plain(roff):
    return roff.replace(r"\-", "-").replace(r"\(aq", "'").replace(r"\(ga", "`")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_there_with_all_its_options(name, page):
    parser = ArgumentParser(add_help=False)
    load_command(name).add_arguments(parser)
    _, begin, rest = plain(page).partition(f"\n.SS {name}\n")
    its = re.split(r"^\.S[SH] ", rest, flags=re.M)[0]

    assert begin
    assert COMMANDS[name][1:] in its
    assert [option for option in parser._option_string_actions if option not in its] == []


def test_it_has_the_parts_that_a_reader_looks_for(page):
    assert re.findall(r"^\.SH (.+)$", page, re.M) == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "FILES")
    ]
    assert "2 wrong use or configuration" in page


def test_what_would_be_a_request_is_text():
    parser = ArgumentParser("x", description=".so /etc/passwd")
    parser.add_subparsers().add_parser("y", description="'hidden' \\n")

    page = man_page(parser, "1", "does x")
    assert r"\&.so /etc/passwd" in page
    assert r"\(aqhidden\(aq \en" in page


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_has_no_complaint(page):
    done = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True, check=True)

    assert done.stderr == ""
