"""Pages that say one thing, and those behind a signed link, in the language of their reader; pure."""

from datetime import timedelta
from html import escape

from msgspec import Struct

from monitor.alert.reply import ReplyKind
from monitor.alert.signed_link import LONGEST_REASON, NAMES, SILENCES
from monitor.sentence.translation import PageLanguage
from probes.phrase import Phrase

PAGE = """<!doctype html>
<html lang="{code}" dir="{direction}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>{title}</title>
<h1>{title}</h1>
<p>{words}</p>
{form}</html>
"""
FORM = '<form method="post"><button>{name}</button></form>\n'
SILENCE = """<p>{also}</p>
<form method="post"><p><label>{why} <input name="reason" required maxlength="{longest}"></label>
<label>{how_long} <select name="for">{spans}</select></label>
<button>{silence}</button></p></form>
"""


class Refusal(Struct, frozen=True):
    """Why a link does nothing, and what to do instead."""

    title: Phrase
    words: Phrase


NOT_VALID = Refusal(Phrase("This link is not valid"), Phrase("It was used, has run out, or was cut on its way."))
NOT_NOW = Refusal(
    Phrase("This cannot be done now"),
    Phrase("The database can be neither read nor written. The watch and the alerts go on; open the link again later."),
)
NO_FORM = Refusal(Phrase("This is no form"), Phrase("Open the link again, and press its button."))
NO_SILENCE = Refusal(Phrase("A silence needs a reason and an end"), Phrase("Go back, and say why and for how long."))


def refused_page(why: Refusal, speech: PageLanguage) -> str:
    return message_page(speech, speech.phrase(why.title), speech.phrase(why.words))


def question_page(kind: ReplyKind, about: str, speech: PageLanguage) -> str:
    """Ask before anything is done. `about`: what the link is about."""
    name = speech.say(NAMES[kind])
    form = FORM.format(name=escape(name))
    return message_page(speech, name, about, form + _silence_form(speech) if kind is ReplyKind.SNOOZE else form)


def done_page(done: str, about: str, speech: PageLanguage) -> str:
    """Say that it is done. `done`: what, in this language."""
    return message_page(speech, speech.say("Done"), speech.about(done, about))


def done_words(kind: ReplyKind, silenced_for: timedelta | None, speech: PageLanguage) -> str:
    """Say what a link has done; `silenced_for`: it silenced instead."""
    if silenced_for is None:
        return speech.say(NAMES[kind])
    return speech.say("Silent for {time}, with all like it", time=speech.duration(silenced_for.total_seconds()))


def _silence_form(speech: PageLanguage) -> str:
    spans = "".join(
        f'<option value="{name}">{escape(speech.duration(span.total_seconds()))}</option>'
        for name, span in SILENCES.items()
    )
    said = {
        "also": speech.say("Or hold all that is like it, at the same accounts and of the same cause:"),
        "why": speech.say("Why:"),
        "how_long": speech.say("For how long:"),
        "silence": speech.say("Silence"),
    }
    return SILENCE.format(longest=LONGEST_REASON, spans=spans, **{name: escape(one) for name, one in said.items()})


def message_page(speech: PageLanguage, title: str, words: str, form: str = "") -> str:
    """Return a page that says one thing. `form`: markup."""
    return PAGE.format(
        code=speech.code, direction=speech.direction, title=escape(title), words=escape(words), form=form
    )
