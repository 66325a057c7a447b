"""The theme of the public page → a style sheet of its custom properties; pure."""

from monitor.config.public_page import ThemeSection, dark_brand, light_brand


def theme_style(theme: ThemeSection) -> bytes:
    """Return the style sheet; empty if nothing is set. Each value is of a form in which nothing else fits.

    What is readable on a light ground may not be on a dark one: a brand of one scheme is made so for the other.
    """
    rules = [
        _block({"--brand-font": theme.font, "--brand-round": _pixels(theme.round_px)}),
        _scheme("light", _block({"--brand": light_brand(theme), "--brand-ground": theme.ground})),
        _scheme("dark", _block({"--brand": dark_brand(theme), "--brand-ground": theme.ground_dark})),
    ]
    return "".join(f"{rule}\n" for rule in rules if rule).encode()


def _pixels(number: int | None) -> str | None:
    return None if number is None else f"{number}px"


def _scheme(name: str, block: str) -> str:
    return f"@media screen and (prefers-color-scheme: {name}) {{ {block} }}" if block else ""


def _block(values: dict[str, str | None]) -> str:
    told = " ".join(f"{name}: {value};" for name, value in values.items() if value is not None)
    return f":root {{ {told} }}" if told else ""
