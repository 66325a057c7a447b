"""Env files, as shells, compose and systemd write them."""

from monitor.config.env_file import parse_env, read_env
from tests.rows import each_row

LINES = {
    "plain": ("NAME=sk-1", "sk-1"),
    "for a shell": ("export NAME=sk-1", "sk-1"),
    "in quotes": ('NAME="sk 1"', "sk 1"),
    "in single quotes": ("NAME='sk-1'", "sk-1"),
    "with blanks around it": ("  NAME = sk-1  ", "sk-1"),
    "with a comment behind it": ("NAME=sk-1 # Jo's", "sk-1"),
    "with a comment behind quotes": ('NAME="sk-1" # Jo\'s', "sk-1"),
    "with a number sign in it": ("NAME=sk#1", "sk#1"),
    "with a dollar in it": ("NAME=sk$1", "sk$1"),
    "with an equals sign in it": ("NAME=sk=1==", "sk=1=="),
    "with a quote that is not closed": ('NAME="sk', '"sk'),
    "over several lines": ('NAME="sk\nNO=1\n-1" # x', "sk\nNO=1\n-1"),
    "with a quote that another line opens": ("NAME='sk\nNAME='2'", "2"),
    "empty": ("NAME=", ""),
    "only a comment": ("NAME= # none", ""),
    "of Windows": ("NAME=sk-1\r", "sk-1"),
    "given twice": ("NAME=old\nNAME=new", "new"),
    "among what is none": ("# c\n\n[x]\nno line\nNAME=sk-1", "sk-1"),
}


@each_row(("text", "value"), LINES.values(), ids=LINES)
def test_a_line_is_a_name_and_its_value(text, value):
    assert read_env(text) == {"NAME": value}


def test_a_line_that_is_neither_a_variable_nor_a_comment_has_its_number():
    assert parse_env('# c\n\nA="1\n2"\nNÄME=3\nB=4\nno line').strange == (5, 7)
