"""The logo of the public page is a picture and nothing else, also when somebody opens it by itself."""

import os

import pytest

from monitor.cli import main
from monitor.config.logo import logo_problem, read_head
from tests.rows import each_row
from tests.test_config import account, written

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:h="http://www.w3.org/1999/xhtml"'
EDITOR = 'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:foo="https://foo.example/"'


def svg(inner, more=""):
    return f"<svg {NS} {EDITOR} {more}>{inner}</svg>"


PICTURES = [
    svg('<title>brand only = blue; javascript:</title><circle r="4" class="a" style="fill:#fff" data-name="x"/>'),
    svg('<defs><pattern id="g"><path d="M0 0"/></pattern></defs><use fill="url(#g)" xlink:href="#g"/>'),
    svg("<style>.a{fill:url('#g')}</style><use href='#g'/>"),
    svg('<image width="1" href="data:image/png;base64,AAAA"/>'),
    svg('<inkscape:grid id="x" spacingx="1"/><g inkscape:label="C:\\x" xml:space="preserve"/>', 'inkscape:version="1"'),
    f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- made by hand -->\n{svg("")}',
    '<s:svg xmlns:s="http://www.w3.org/2000/svg"><s:path d="M0 0"/></s:svg>',
]


@pytest.mark.parametrize("content", PICTURES)
def test_a_picture_is_a_logo(content):
    assert logo_problem("logo.svg", content.encode()) is None


NO_PICTURES = {
    svg("<script>alert(1)</script>"): "<script>",
    svg('<s:script xmlns:s="http://www.w3.org/2000/svg">alert(1)</s:script>'): "<script>",
    svg('<h:iframe src="https://evil.example"/>'): "<iframe>",
    svg('<h:meta http-equiv="refresh" content="0;url=https://evil.example"/>'): "<meta>",
    svg("<foreignObject/>"): "<foreignObject>",
    svg('<set attributeName="href" to="javascript:alert(1)"/>'): "<set>",
    svg('<animate attributeName="href" values="javascript:alert(1)"/>'): "<animate>",
    svg('<a href="java&#115;cript:alert(1)"/>'): "<a>",
    svg("<foo:thing/>"): "<thing>",
    svg("", 'onload="alert(1)"'): "onload=",
    svg("", 'foo:bar="1"'): "bar=",
    svg('<inkscape:grid onload="1"/>'): "onload=",
    svg('<use href="java&#115;cript:alert(1)"/>'): 'href="javascript',
    svg('<use xlink:href="https://evil.example/x.svg#a"/>'): 'href="https',
    svg('<image href="https://tracker.example/x.png"/>'): 'href="https',
    svg('<image href="data:image/svg+xml;base64,AAAA"/>'): 'href="data:image/svg',
    svg('<rect fill="url(https://tracker.example/x)"/>'): 'fill="url(',
    svg('<rect style="fill: u\\72l(x)"/>'): 'style="',
    svg("<style>@import 'https://tracker.example/x.css'</style>"): "@import in its <style>",
    svg("<style>a{b:u<![CDATA[rl(]]>https://tracker.example)}</style>"): "url( in its <style>",
    f'<?xml-stylesheet type="text/xsl" href="x.xsl"?>{svg("")}': "<?xml-stylesheet?>",
    f'<!DOCTYPE svg [<!ENTITY a "b">]>{svg("&a;")}': "<!DOCTYPE>",
    f'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">{svg("")}': "<!DOCTYPE>",
    f'<?xml version="1.0" encoding="utf-7"?>{svg("")}': "is not UTF-8",
    "<svg/>": "is no SVG",
    f"<svg {NS}>": "is no SVG",
    "hello <svg": "is no SVG",
    "": "is no SVG",
}


@each_row("content", NO_PICTURES)
def test_what_is_more_than_a_picture_is_no_logo_and_the_problem_names_it(content):
    assert NO_PICTURES[content] in logo_problem("logo.svg", content.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_script_in_another_encoding_is_found(encoding):
    assert logo_problem("logo.svg", svg("<script/>").encode(encoding))


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_a_device_in_the_place_of_a_logo_is_an_error_and_is_not_read(tmp_path, capsys, monkeypatch, kind):
    monkeypatch.setenv("SET", "x" * 20)
    if kind == "pipe":
        os.mkfifo(tmp_path / "logo.svg")
    else:
        (tmp_path / "logo.svg").symlink_to("/dev/zero")
    file = written(tmp_path, account() + '[public]\nlogo = "logo.svg"\n')
    file.chmod(0o600)
    assert main(["--config", str(file), "check"]) == 2
    assert 'public.logo = "logo.svg" is a pipe or a device, and no file; name a plain SVG' in capsys.readouterr().err
    with pytest.raises(OSError, match="is no file"):
        read_head(tmp_path / "logo.svg")
