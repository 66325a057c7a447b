"""One table of monitor.toml: what all of them share."""

from typing import Annotated

from msgspec import Meta, Struct

END = r"$(?!\n)"
"""The end of a text, in a pattern: in Python a `$` also matches before a line break, and JSON Schema knows no `\\Z`."""
LABEL_WORDS = "1 to 64 characters, with no slash anywhere and no space at either end"
Label = Annotated[
    str, Meta(pattern=r"^[^/\s\x00-\x1f](?:[^/\x00-\x1f]{0,62}[^/\s\x00-\x1f])?" + END, description=LABEL_WORDS)
]
SECRET = "secret"
SecretText = Annotated[str, Meta(extra={SECRET: True})]
"""A secret, or a reference to one: redaction finds such values by this mark, and no error shows them."""
Seconds = Annotated[float, Meta(gt=0, le=86400)]
LanguageCode = Annotated[
    str, Meta(pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?" + END, description="a language: en, de, he or zh-Hans")
]
"""The name of a file of words; English needs none."""
ENGLISH = "en"


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of monitor.toml: an unknown key is an error."""
