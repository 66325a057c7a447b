"""Colours of six hexadecimal digits: how well one is read on another, and one that is; pure."""

from collections.abc import Collection
from colorsys import hls_to_rgb, rgb_to_hls

from msgspec import Struct

READABLE = 4.5
"""Least contrast of text with its ground (WCAG 2.2, 1.4.3)."""
STEPS = 100
"""Steps of lightness from black to white."""
MIDDLE = 0.18
"""Luminance below which a ground is dark: white is read better on it than black."""


class Scheme(Struct, frozen=True):
    """The shipped colours of a scheme, as in templates/page/style.css. `sheets`: what else text may stand on."""

    brand: str
    ground: str
    sheets: tuple[str, ...]


LIGHT = Scheme("#2646c4", "#fbfaf8", ("#ffffff", "#f3f1ec", "#fcf0ee", "#fbf3e4", "#eff5f0"))
DARK = Scheme("#9db4ff", "#121211", ("#1a1a18", "#232220", "#2a1917", "#272012", "#16211b"))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21. Source: WCAG 2.2, "contrast ratio"."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def readable_on(colour: str, ground: str, sheets: Collection[str] = ()) -> str:
    """Return the nearest colour of the same hue that is read well on the ground and the sheets; as near as there is.

    It is lighter on a dark ground and darker on a light one.
    """
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    end = 1.0 if _luminance(ground) < MIDDLE else 0.0
    shades = (_hex(hls_to_rgb(hue, lightness + (end - lightness) * step / STEPS, saturation)) for step in range(STEPS))
    return next((one for one in shades if all(contrast(one, it) >= READABLE for it in (ground, *sheets))),
                _hex((end, end, end)))  # fmt: skip


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
