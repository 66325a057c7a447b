"""Another language is a file: whole, without anything that nobody says, and with the same places to fill."""

import ast
import json
import re
import tomllib
from functools import cache
from itertools import chain
from string import Formatter

import pytest
from jinja2 import DictLoader, Environment
from msgspec.structs import replace

from monitor import limit_window, words
from monitor.alert import signed_link, text
from monitor.diagnose.corroboration import Level
from monitor.diagnose.diagnosis import FLAP, Evidence
from monitor.diagnose.subject import Scope
from monitor.publish import advice as monitors
from monitor.publish import (
    headline,
    history_bar,
    incident_timeline,
    overview,
    private_site,
    public_site,
    shared_risk,
    status,
)
from monitor.publish.private_site import render
from monitor.publish.render import TEMPLATES, Compiled
from monitor.publish.snapshot import CreditView, ObjectiveView, SiteSettings
from monitor.publish.status import current_state
from monitor.sentence import diagnosis, doubt, finding
from monitor.sentence.translation import ENGLISH, LANGUAGES, PageLanguage, load_language
from monitor.slo.objective import Objective
from monitor.words import MONTHS
from probes import advice, remedy
from probes.catalog import load_provider, provider_ids
from probes.model import Confidence, Fault, Limit
from probes.notice import CLAIMS, UNTITLED, WHOLE_PAGE, Impact, NoticePhase
from probes.provider import NoPage
from tests.builders_page import HOSTILE, NOW, account, four_accounts, incident, shown, snapshot
from tests.rows import each_row
from tests.test_page import Document, crowded, hostile

FOLDER = TEMPLATES / LANGUAGES
SHIPPED = sorted(file.stem for file in FOLDER.glob("*.toml"))
SAYING = re.compile(r"\b(?:say|_join|Phrase|many)\(")
DE, ZH = load_language("de"), load_language("zh-Hans", (FOLDER,))

TABLES = (
    *(
        words.FAULTS,
        words.PHASES,
        words.BLAMES,
        words.BLAMES_AT_LENGTH,
        words.CERTAINTIES,
        limit_window.ONE,
        limit_window.SEVERAL,
    ),
    *(finding.MEASURED, finding.WITHHELD, diagnosis.STAGE_WORK),
    *(overview.ALONE, overview.OF_SEVERAL),
    *(doubt.OBSTACLES, doubt.DETOURS, doubt.BOUNDS, doubt.DEFECTS, doubt.PROXIES),
    *(overview.COUNTED, overview.OWNERS),
    *(advice.WANTED, remedy.WHY, text.HEADS, text.SIGNAL_HEADS, text.TITLES, signed_link.NAMES),
    *(status.MARKS, incident_timeline.SCOPES, incident_timeline.STEPS, headline.ALL, history_bar.WORDS),
)
ADVICES = (advice.ADVICE, advice.SERVED, advice.BROKEN, advice.TOGETHER, advice.LEAKS)
SCALES = (history_bar.HOURS, history_bar.DAYS)
COUNTED_ELSEWHERE = (
    *(scale.latest for scale in SCALES),
    *(*headline.OTHERS.values(), *headline.AMONG.values()),
    *(headline.SUSPECTED, headline.NEW, headline.UNCLEAR),
)
"""Singular and plural that are in no call."""
SAID_ELSEWHERE = {
    *(word for table in TABLES for word in table.values()),
    *(one.do for table in ADVICES for one in table.values()),
    *(one.where for table in ADVICES for one in table.values()),
    *(advice.WANTS, advice.EITHER, advice.SWITCH, advice.NOTHING_WORKS, advice.ONE_WORKS, advice.BOTH_WORK),
    *(advice.VERIFY, advice.VERIFY_SOMEWHERE, advice.WRITE_TO, advice.NO_PAGE, remedy.FIX),
    *(*monitors.OFFLINE_ADVICE, *monitors.ROAD_ADVICE, *monitors.SLOW_ROAD_ADVICE, *monitors.ABSENCE_ADVICE),
    *(*monitors.OBJECTIVE_ADVICE, *monitors.REMINDER_ADVICE, *monitors.SOURCE_ADVICE, *monitors.STAGE_ADVICE),
    *(*monitors.SILENCE_ADVICE, *monitors.CLOCK_ADVICE),
    *(shared_risk.SHARING, shared_risk.BESIDE, text.NOBODY, *text.OVERS, *text.MARKS),
    *(text.FLAPPING, text.GAP, text.UNWATCHED),
    *(words for scale in SCALES for words in (scale.lead, scale.scattered)),
    *(f"{words.HEDGES[confidence]}{{who}}" for confidence in Confidence if words.HEDGES[confidence]),
    *(month for month in MONTHS),
    *(month[:3] for month in MONTHS),
    *(phase.replace("_", " ") for phase in NoticePhase),
    *(impact.value for impact in Impact if impact is not Impact.UNKNOWN),
    *("info", "warning", "critical", "failed", "requests", "tokens", "input tokens", "output tokens"),
    *(
        words.OFFLINE,
        words.PLACE_OFFLINE,
        words.PLACE_OFFLINE_AT_LENGTH,
        words.PLACE_SILENT,
        words.PLACE_SILENT_AT_LENGTH,
        words.PLACE_CLOCK,
        words.PLACE_CLOCK_AT_LENGTH,
        words.LOCAL_RULE,
        words.LOCAL_RULE_AT_LENGTH,
        words.PROXIED,
        words.PROXIED_AT_LENGTH,
        words.OURS,
        words.OURS_IN_SHORT,
        words.OURS_AT_LENGTH,
        words.OFFLINE_AT_LENGTH,
        words.ABSENT,
        words.ABSENT_AT_LENGTH,
        words.KEYS_UNDECIDED,
        words.KEYS_AT_LENGTH,
        words.OPEN_AT_LENGTH,
    ),
    *(*public_site.ABILITIES.values(), *public_site.WHAT.values(), public_site.SLOW),
    *("no notice posted", "undated", *CLAIMS.values(), WHOLE_PAGE, UNTITLED),
    *(fault.value for fault in Fault),
    *(level.value for level in Level),
    *(doubt.WRONG_PASSWORD, "the monitor was not watching"),
    *("the day's budget for this account's canaries is spent", "not read yet", "withdrawn"),
    *(
        "Not seen lately",
        "First sign seen",
        "First failure seen: the incident begins here",
        "The drill begins here",
        "The drill is over",
        "the provider",
        "a part of it",
    ),
    *("at most {most} {unit}", "{unit}: not given", "{left} of {most} {unit} left", "{left} {unit} left"),
    *("not seen yet", "All {all} accounts"),
}
SAME_EVERYWHERE = {"withdrawn", "{who}"}


ALERTS = TEMPLATES.parent / "alerts"
CODE = TEMPLATES.parents[1]


def templates():
    yield from (*TEMPLATES.glob("*.html"), *TEMPLATES.glob("*.svg"), *TEMPLATES.glob("*.xml"), *ALERTS.glob("*.j2"))


def said_in_templates():
    for file in templates():
        yield from re.findall(r'\b_\("((?:[^"\\]|\\.)*)"', file.read_text())


def counted_in_templates():
    for file in templates():
        yield from re.findall(r'\bmany\([^,"]+, "([^"]*)", "([^"]*)"', file.read_text())


@cache
def calls():
    """Return the texts in each call that says some: its name, and them."""
    files = (
        CODE / "monitor" / "words.py",
        *(file for room in ("sentence", "publish", "alert", "web") for file in (CODE / "monitor" / room).glob("*.py")),
        *(CODE / "probes").glob("*.py"),
    )
    texts = filter(SAYING.search, (file.read_text() for file in files))
    nodes = chain.from_iterable(ast.walk(ast.parse(text)) for text in texts)
    return [(called(node), said_by(node)) for node in nodes if isinstance(node, ast.Call)]


def called(node):
    match node.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name


def said_by(node):
    parts = (one for it in node.args for one in ([it.body, it.orelse] if isinstance(it, ast.IfExp) else [it]))
    return [it.value for it in parts if isinstance(it, ast.Constant) and isinstance(it.value, str)]


def said_in_code():
    return chain.from_iterable(texts for name, texts in calls() if name in ("say", "_join", "Phrase"))


def counted_in_code():
    yield from (texts[:2] for name, texts in calls() if name == "many" and texts)
    yield from COUNTED_ELSEWHERE


def reasons_without_a_page():
    """Why a provider's file names no page for a fault."""
    pages = (one for id in provider_ids() for one in load_provider(id).help.values())
    return {f"{one.none[0].upper()}{one.none[1:]}" for one in pages if isinstance(one, NoPage)}


@cache
def all_counted():
    """Return the plural of each text with a number, by its singular."""
    return dict([*counted_in_templates(), *counted_in_code()])


@cache
def all_said():
    return {*said_in_templates(), *said_in_code(), *SAID_ELSEWHERE, *reasons_without_a_page()} - SAME_EVERYWHERE


def document(language):
    return tomllib.loads((FOLDER / f"{language}.toml").read_text())


def phrases(language):
    return document(language)["phrases"]


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def without_words(text):
    """Return a text with its places only."""
    return " ".join(f"{{{name}}}" for _, name, _, _ in Formatter().parse(text) if name is not None)


@cache
def mute():
    """Return a language that has no words: what is still to be read is not translated."""
    return PageLanguage(
        "mute",
        {text: without_words(text) for text in all_said()} | {"{who}": "{who}"},
        forms={one: [without_words(more)] for one, more in all_counted().items()},
    )


def test_german_hebrew_and_chinese_are_shipped():
    assert SHIPPED == ["de", "he", "zh-Hans"]


@pytest.mark.parametrize("language", SHIPPED)
def test_a_language_says_all_that_is_said_and_nothing_else(language):
    known, told = set(phrases(language)), all_said() | all_counted().keys()
    assert sorted(told - known) == []
    assert sorted(known - told) == []


def test_a_text_with_a_number_is_no_other_text():
    assert set() == all_said() & all_counted().keys()


@pytest.mark.parametrize("language", SHIPPED)
def test_a_text_with_a_number_has_each_form_of_the_language_and_no_other_text_has_several(language):
    speech, told = load_language(language), phrases(language)
    forms = {speech.plural(number) for number in range(1000)}
    assert {text for text, said in told.items() if isinstance(said, list)} == all_counted().keys()
    assert {text: said for text, said in told.items() if isinstance(said, list) and len(said) != len(forms)} == {}


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_has_the_places_to_fill_of_the_english(language):
    """But for a number, which a form for one or for two may say in a word."""
    odd = [text for text, said in phrases(language).items() if isinstance(said, str) and places(said) != places(text)]
    assert odd == []
    last = {text: said[-1] for text, said in phrases(language).items() if isinstance(said, list)}
    assert [text for text, said in last.items() if places(said) - {"n"} != places(text) - {"n"}] == []


@pytest.mark.parametrize("language", SHIPPED)
def test_a_form_of_a_number_has_the_places_of_the_last_one(language):
    for said in (said for said in phrases(language).values() if isinstance(said, list)):
        assert all(places(one) | {"n"} == places(said[-1]) | {"n"} for one in said)


@pytest.mark.parametrize(("number", "said"), [(1, "a"), (2, "b"), (3, "c"), (0, "c"), (20, "c")])
def test_a_number_takes_the_form_that_its_language_has_for_it(tmp_path, number, said):
    (tmp_path / LANGUAGES).mkdir()
    rule = 'plural = "n == 1 ? 0 : n == 2 ? 1 : 2"\n[phrases]\n"{n} day" = ["a", "b", "c"]\n'
    (tmp_path / LANGUAGES / "xx.toml").write_text(rule)
    assert load_language("xx", (tmp_path,)).many(number, "{n} day", "{n} days") == said


@pytest.mark.parametrize("rule", ['plural = "n +"', "plural = 7", 'plural = "n > 1000 ? 5 : 5"', ""])
def test_a_rule_that_fits_no_list_is_no_harm(tmp_path, rule):
    (tmp_path / LANGUAGES).mkdir()
    (tmp_path / LANGUAGES / "xx.toml").write_text(f'{rule}\n[phrases]\n"{{n}} day" = ["{{n}} jour", "{{n}} jours"]\n')
    assert load_language("xx", (tmp_path,)).many(2, "{n} day", "{n} days") == "2 jours"


def test_singular_and_plural_of_a_file_of_before_are_still_read(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    (tmp_path / LANGUAGES / "fr.toml").write_text('[phrases]\n"{n} day" = "{n} jour"\n"{n} days" = "{n} jours"\n')
    french = load_language("fr", (tmp_path,))
    assert [french.many(n, "{n} day", "{n} days") for n in (1, 2)] == ["1 jour", "2 jours"]


def test_a_users_own_phrase_goes_before_ours_and_the_others_stay(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    (tmp_path / LANGUAGES / "de.toml").write_text('[phrases]\n"Accounts" = "Zugänge"\n')
    own = load_language("de", (tmp_path,))
    assert (own.say("Accounts"), own.say("Providers"), own.number("1.5")) == ("Zugänge", "Anbieter", "1,5")


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("make", [render, public_site.render])
@pytest.mark.parametrize("shot", [crowded(), hostile(HOSTILE), snapshot(), four_accounts()])
def test_every_page_can_be_made_in_every_language(language, make, shot):
    files = make(replace(shot, manner=SiteSettings(language=language)))
    assert all(f'<html lang="{language}"'.encode() in files[name] for name in files if name.endswith(".html"))
    assert files.keys() == make(shot).keys()


QUOTED = {
    *("Our", "AI", "accounts", "fra", "openai", "anthropic", "OpenAI", "Anthropic", "main", "team", "research", "list"),
    *(
        "UTC",
        "chat",
        "gpt",
        "mini",
        "batch",
        "HTTP",
        "req",
        "ops",
        "mail",
        "Only",
        "for",
        "the",
        "night",
        "runs",
        "Your",
    ),
    *("account", "has", "been", "deactivated", "please", "check", "your", "email", "more", "information"),
}
"""What stands on these pages that we do not say: names, codes, notes, and what a provider answered."""


def test_no_word_of_ours_is_on_a_page_but_through_its_language(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    forms = {one: list(said) for one, said in mute().forms.items()}
    told = "".join(f"{json.dumps(text)} = {json.dumps(said)}\n" for text, said in {**mute().phrases, **forms}.items())
    (tmp_path / LANGUAGES / "xx.toml").write_text(f"[phrases]\n{told}")
    found = shown(incident(reasons=()), advice="")
    shot = four_accounts(open_incidents=(found,), manner=SiteSettings(language="xx", own=tmp_path), simulated=True)
    for name, page in render(shot).items():
        if name.endswith(".html"):
            told = re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', page.decode())
            assert set(re.findall(r"[A-Za-z]{2,}", " ".join((Document(page).text, *told)))) <= QUOTED


def test_german_reads_as_german():
    text = Document(render(replace(four_accounts(), manner=SiteSettings(language="de")))["index.html"]).text
    for said in (
        "1 von 4 Konten ist gestört Schwerster Vorfall: openai/team-b, Konto gesperrt (Ihr Konto).",
        "1 ausgefallen 3 in Ordnung Verursacher: 1 × Ihr Konto",
        "seit 3. Nov., 10:34 UTC",
        "0,62 s",
    ):
        assert said in text


def test_numbers_are_written_as_the_language_writes_them():
    credit = CreditView("USD", NOW, "1,204.20 of 5,000.00 USD left", 1204.2, 5000, 2, None)
    quick = ObjectiveView(Objective("a", "openai/main", frozenset(), latency_s=2.5, latency_share=0.95), ())
    shot = snapshot(account(credits=(credit,)), objectives=(quick,), manner=SiteSettings(language="de"))
    text = Document(render(shot)["accounts/openai/main.html"]).text
    assert "95 % innerhalb von 2,5 s in 28 Tagen" in text
    assert "1.204,20 von 5.000,00 USD" in text
    assert "Testanfragen kosteten heute 0,04 $" in text


def test_chinese_reads_as_chinese():
    text = Document(render(replace(four_accounts(), manner=SiteSettings(language="zh-Hans")))["index.html"]).text
    assert "4 个账户中有 1 个出现故障 最严重：openai/team-b，账户被封禁（您的账户）。" in text


def test_a_language_that_nobody_wrote_is_english(tmp_path):
    assert load_language("xx") == ENGLISH
    assert load_language("de", (), tmp_path) == ENGLISH


def test_a_users_own_words_and_templates_go_before_ours(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    (tmp_path / LANGUAGES / "fr.toml").write_text('decimal = ","\n[phrases]\n"Accounts" = "Comptes"\n')
    (tmp_path / "404.html").write_text("<p>{{ _('Accounts') }} & {{ frame.site }}</p>")
    (tmp_path / "style.css").write_text("p { color: red }")
    files = private_site.render(replace(four_accounts(), manner=SiteSettings(language="fr", own=tmp_path), title="<b>"))
    assert files["404.html"] == b"<p>Comptes & &lt;b&gt;</p>"
    assert files["style.css"] == b"p { color: red }"
    assert b">Comptes<" in files["index.html"]


@pytest.mark.parametrize("make", [render, public_site.render])
@pytest.mark.parametrize("picture", ["logo.svg", "logo.png"])
def test_a_user_can_add_a_style_and_a_logo_to_every_page(tmp_path, make, picture):
    (tmp_path / "own.css").write_text("p { color: red }")
    (tmp_path / picture).write_bytes(b"a picture")
    files = make(replace(four_accounts(), manner=SiteSettings(own=tmp_path)))
    assert (files["own.css"], files[picture]) == (b"p { color: red }", b"a picture")
    assert files["style.css"] == (TEMPLATES / "style.css").read_bytes()
    for name in (name for name in files if name.endswith(".html")):
        up = "/" if name == "404.html" else "../" * name.count("/")
        styles = [value for value in Document(files[name]).values("href") if value.endswith(".css")]
        assert styles[:2] == [f"{up}{'widget' if name == 'widget.html' else 'style'}.css", f"{up}own.css"]
        assert name == "widget.html" or f"{up}{picture}" in Document(files[name]).values("src")
    assert not {"own.css", picture} & set(make(four_accounts()))


def test_sites_share_what_an_equal_template_was_compiled_to_and_nothing_of_another():
    shared = Compiled()

    def code(source):
        site = Environment(loader=DictLoader({"page.html": source}), bytecode_cache=shared)
        return site.get_template("page.html").root_render_func.__code__

    first, other = code("now {{ one }}"), code("jetzt {{ one }}")
    assert code("now {{ one }}") is first
    assert code("jetzt {{ one }}") is other
    assert first is not other


@each_row("language", SHIPPED)
@each_row("remaining", [None, 3.0])
@each_row("most", [None, 50_000.0])
@each_row("window", [None, 60.0, 7200.0, 2_592_000.0])
def test_limits_are_said_in_every_language(language, remaining, most, window):
    said = load_language(language).limit(Limit("input_tokens", window, most, remaining))
    assert said
    assert "{" not in said


FLAPPING = Evidence("openai/main/chat", NOW, Fault.TIMEOUT, FLAP, "down 6 times")
TITLES = {
    "a fault": (incident(), "openai/team-b: Konto gesperrt", "openai/team-b：账户被封禁"),
    "the monitor": (
        incident(scope=Scope.MONITOR),
        "der Monitor ist offline: Nichts antwortet",
        "监控离线：没有任何应答",
    ),
    "a source": (
        incident("openai/status", scope=Scope.SOURCE),
        "die Statusquelle openai/status ist nicht lesbar",
        "无法读取状态源 openai/status",
    ),
    "a reminder": (
        incident("the card", scope=Scope.REMINDER),
        "the card läuft bald ab, laut dem von Ihnen eingetragenen Datum",
        "the card 即将到期（按您填写的日期）",
    ),
    "an objective": (
        incident("openai/chat", scope=Scope.OBJECTIVE),
        "openai/chat: Das Fehlerbudget wird zu schnell verbraucht",
        "openai/chat：错误预算消耗过快",
    ),
    "what comes and goes": (
        incident("openai/main", Fault.TIMEOUT, signal=True, evidence=(FLAPPING,)),
        "openai/main: Zeitüberschreitung, immer wieder",
        "openai/main：应答超时，反复出现",
    ),
    "the road out": (
        incident("", Fault.CONNECTION_FAILED, Scope.EGRESS, id="road"),
        "das Netz hier: keine Verbindung",
        "此处的网络：无法连接",
    ),
}


@pytest.mark.parametrize(("it", "german", "chinese"), TITLES.values(), ids=TITLES)
def test_a_title_is_said_in_every_language(it, german, chinese):
    assert (DE.title(it), ZH.title(it)) == (german, chinese)


@pytest.mark.parametrize("code", ["de", "he"])
def test_the_monitors_own_problems_are_english_and_say_so_to_a_screen_reader(code):
    shot = snapshot(account(), warnings=("the disk is nearly full",), manner=SiteSettings(language=code))
    page = render(shot)["index.html"].decode()
    assert f'<html lang="{code}"' in page
    assert '<ul class="dots" lang="en"><li><bdi>the disk is nearly full</bdi></li></ul>' in page


def test_the_sentence_on_top_says_warnings_in_its_language():
    coming = TITLES["an objective"][0]
    warned = snapshot(account(), open_incidents=(shown(replace(coming, signal=True, targets=())),))
    assert TITLES["an objective"][1] in headline.write_headline(warned, current_state(warned), DE).sentence


def test_the_sentence_on_top_names_the_road_out():
    road = snapshot(account(), open_incidents=(shown(TITLES["the road out"][0]),))
    assert "das Netz hier: keine Verbindung (" in headline.write_headline(road, current_state(road), DE).sentence


def test_a_users_language_cannot_write_templates_or_tags(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    said = '[phrases]\n"Open incidents" = "{{ 7 * 7 }}{% x %}<b>&"\n"since" = "{# no #}"\n'
    (tmp_path / LANGUAGES / "xx.toml").write_text(said)
    page = Document(render(replace(four_accounts(), manner=SiteSettings(language="xx", own=tmp_path)))["index.html"])
    assert "{{ 7 * 7 }}{% x %}<b>&" in page.text
    assert "{# no #} 10:11 UTC" in page.text
