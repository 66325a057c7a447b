"""The logo of the public page: a PNG, or an SVG that is a picture and nothing else, also when opened by itself."""

import os
import re
from os.path import isfile
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

LOGO_BYTES = 200_000
LOGO_KINDS = (".svg", ".png")
PNG = b"\x89PNG\r\n\x1a\n"

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"
EDITORS = frozenset(
    {
        "http://www.inkscape.org/namespaces/inkscape",
        "http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd",
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "http://creativecommons.org/ns#",
        "http://web.resource.org/cc/",
        "http://purl.org/dc/elements/1.1/",
        "http://www.serif.com/",
        "http://www.bohemiancoding.com/sketch/ns",
    }
)
"""Namespaces of what drawing programs note for themselves: a browser does nothing with it."""
ELEMENT_NAMES = """
    svg g defs symbol use title desc metadata style switch path rect circle ellipse line polyline polygon
    text tspan textPath image linearGradient radialGradient stop pattern clipPath mask marker filter
    feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
    feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode
    feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence
"""
ELEMENTS = frozenset(ELEMENT_NAMES.split())
ATTRIBUTE_NAMES = """
    id class style lang role version baseProfile type media viewBox preserveAspectRatio width height overflow
    x y x1 y1 x2 y2 cx cy r rx ry dx dy d points pathLength transform transform-origin transform-box rotate
    textLength lengthAdjust startOffset method spacing side href enable-background
    fx fy fr offset gradientUnits gradientTransform spreadMethod patternUnits patternContentUnits patternTransform
    clipPathUnits maskUnits maskContentUnits maskType mask-type filterUnits primitiveUnits
    markerWidth markerHeight markerUnits refX refY orient
    in in2 result mode operator k1 k2 k3 k4 values stdDeviation edgeMode order kernelMatrix divisor bias targetX
    targetY preserveAlpha kernelUnitLength surfaceScale diffuseConstant specularConstant specularExponent azimuth
    elevation scale xChannelSelector yChannelSelector tableValues slope intercept amplitude exponent z pointsAtX
    pointsAtY pointsAtZ limitingConeAngle radius baseFrequency numOctaves seed stitchTiles
    alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation
    color-interpolation-filters color-rendering cursor direction display dominant-baseline fill fill-opacity
    fill-rule filter flood-color flood-opacity font font-family font-size font-size-adjust font-stretch font-style
    font-variant font-weight glyph-orientation-horizontal glyph-orientation-vertical image-rendering isolation
    kerning letter-spacing lighting-color marker marker-end marker-mid marker-start mask mix-blend-mode opacity
    paint-order pointer-events shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset
    stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor text-decoration
    text-rendering unicode-bidi vector-effect visibility word-spacing writing-mode
    requiredFeatures requiredExtensions systemLanguage focusable
"""
ATTRIBUTES = frozenset(ATTRIBUTE_NAMES.split())
NOTED = re.compile(r"(?:data|aria)-[a-z-]+")
"""Attributes that say something and do nothing."""
TARGET = re.compile(r"\s*(?:#[\w.:-]*|data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*)")
"""What a reference may lead to: a part of the same picture, or pixels within it."""
LOADING = re.compile(
    r"@import|@font-face|@namespace|url\((?!\s*[\"']?#)|image-set\(|\bimage\(|\bsrc\(|\\", re.IGNORECASE
)
"""What in CSS loads something, or hides that it does."""


class _NoPicture(Exception):
    """What an SVG holds that no plain picture does."""


def read_head(file: Path) -> bytes:
    """Return a file, or so much of one too large that this shows. Raises OSError or ValueError, also for a pipe."""
    if not isfile(file):
        raise OSError("is no file")
    with open(file, "rb", opener=lambda name, how: os.open(name, how | os.O_NONBLOCK)) as opened:
        return opened.read(LOGO_BYTES + 1)


def logo_problem(name: str, content: bytes) -> str | None:
    """Return why a file is no logo; None if it is one."""
    if not name.endswith(LOGO_KINDS):
        return "is neither .svg nor .png"
    if len(content) > LOGO_BYTES:
        return f"has more than {LOGO_BYTES // 1000} kB"
    if name.endswith(".png"):
        return None if content.startswith(PNG) else "is no PNG"
    try:
        _Picture().read(content)
    except expat.ExpatError:
        return "is no SVG"
    except _NoPicture as error:
        return str(error)
    return None


class _Picture:
    """Reads an SVG and stops at the first thing that is not on the lists."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self._parser.XmlDeclHandler = self._declare
        self._parser.StartDoctypeDeclHandler = lambda *_: self._refuse("<!DOCTYPE>")
        self._parser.ProcessingInstructionHandler = lambda name, _: self._refuse(f"<?{name}?>")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._read_words
        self._open: list[str] = []
        self._style: list[str] = []

    def read(self, content: bytes) -> None:
        """Raises _NoPicture, and xml.parsers.expat.ExpatError where it is not well-formed."""
        self._parser.Parse(content, True)

    def _refuse(self, what: str) -> NoReturn:
        line = self._parser.CurrentLineNumber
        raise _NoPicture(f"holds {what[:60]} in line {line}, which a plain picture has not")

    def _declare(self, _: str, encoding: str | None, __: int) -> None:
        if (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise _NoPicture("is not UTF-8")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self._open and name != f"{SVG} svg":
            raise _NoPicture(f'is no SVG: it does not begin with <svg xmlns="{SVG}">')
        self._open.append(name)
        if space not in EDITORS and (space != SVG or local not in ELEMENTS):
            self._refuse(f"<{local}>")
        for key, value in attributes.items():
            self._check_attribute(key, value)

    def _check_attribute(self, key: str, value: str) -> None:
        space, _, local = key.rpartition(" ")
        if space in EDITORS or (space == XML and local in ("space", "lang")):
            return
        if space == XLINK and local != "href":
            return
        known = space == XLINK or (not space and (local in ATTRIBUTES or NOTED.fullmatch(local)))
        foreign = not space and self._open[-1].rpartition(" ")[0] in EDITORS and not local.startswith("on")
        if not known and not foreign:
            self._refuse(f"{local}=")
        if local == "href" and not TARGET.fullmatch(value):
            self._refuse(f'{local}="{value}"')
        if LOADING.search(value):
            self._refuse(f'{local}="{value}"')

    def _read_words(self, words: str) -> None:
        if self._open[-1] == f"{SVG} style":
            self._style.append(words)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == f"{SVG} style" and (found := LOADING.search("".join(self._style))):
            self._refuse(f"{found[0]} in its <style>")
