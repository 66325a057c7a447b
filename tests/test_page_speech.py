"""Another language is a file: whole, without anything that nobody says, and with the same places to fill."""

import ast
import re
import tomllib
from string import Formatter

import pytest
from msgspec.structs import replace

from monitor import limit_window, words
from monitor.diagnose.corroboration import Level
from monitor.diagnose.diagnosis import FLAP, Evidence
from monitor.diagnose.subject import Scope
from monitor.publish import headline, history_bar, incident_timeline, overview, private_site, public_site, status
from monitor.publish.private_site import render
from monitor.publish.render import LANGUAGES, TEMPLATES
from monitor.publish.snapshot import CreditView, ObjectiveView, SiteSettings
from monitor.publish.status import current_state
from monitor.publish.translation import ENGLISH, load_language
from monitor.sentence import diagnosis, doubt, finding
from monitor.slo.objective import Objective
from monitor.words import MONTHS
from probes.model import Confidence, Fault, Limit
from probes.notice import CLAIMS, UNTITLED, WHOLE_PAGE, Impact, NoticePhase
from tests.builders_page import HOSTILE, NOW, account, four_accounts, incident, shown, snapshot
from tests.test_page import Document, crowded, hostile

FOLDER = TEMPLATES / LANGUAGES
SHIPPED = sorted(file.stem for file in FOLDER.glob("*.toml"))
DE, ZH = load_language("de", (FOLDER,)), load_language("zh-Hans", (FOLDER,))

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
    *(status.MARKS, incident_timeline.SCOPES, incident_timeline.STEPS, headline.ALL, history_bar.WORDS),
)
SAID_ELSEWHERE = {
    *(word for table in TABLES for word in table.values()),
    *(word for pair in headline.REST.values() for word in pair),
    *(
        scale_words
        for scale in (history_bar.HOURS, history_bar.DAYS)
        for scale_words in (scale.lead, scale.scattered, *scale.latest)
    ),
    *(f"{words.HEDGES[confidence]}{{who}}" for confidence in Confidence if words.HEDGES[confidence]),
    *(month for month in MONTHS),
    *(month[:3] for month in MONTHS),
    *(phase.replace("_", " ") for phase in NoticePhase),
    *(impact.value for impact in Impact if impact is not Impact.UNKNOWN),
    *("info", "warning", "critical", "failed", "requests", "tokens", "input tokens", "output tokens"),
    *(
        words.OFFLINE,
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
    *("{who} failed just now and is being rechecked", "{who} failed just now and are being rechecked"),
    *("{who} is not fully known", "{who} are not fully known"),
    *("{who} has not answered yet", "{who} have not answered yet"),
    *("at most {most} {unit}", "{unit}: not given", "{left} of {most} {unit} left", "{left} {unit} left"),
    *("not seen yet", "All {all} accounts", "{n} day", "{n} days"),
}
SAME_EVERYWHERE = {"withdrawn", "{who}"}


def said_in_templates():
    for file in [*TEMPLATES.glob("*.html"), *TEMPLATES.glob("*.svg"), *TEMPLATES.glob("*.xml")]:
        yield from re.findall(r'_\("((?:[^"\\]|\\.)*)"', file.read_text())


def said_in_code():
    code = TEMPLATES.parents[1] / "monitor"
    for file in (code / "words.py", *(code / "sentence").glob("*.py"), *(code / "publish").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("say", "many"):
                texts = (
                    one for it in node.args for one in ([it.body, it.orelse] if isinstance(it, ast.IfExp) else [it])
                )
                yield from (it.value for it in texts if isinstance(it, ast.Constant) and isinstance(it.value, str))


SAID = {*said_in_templates(), *said_in_code(), *SAID_ELSEWHERE} - SAME_EVERYWHERE


def phrases(language):
    return tomllib.loads((FOLDER / f"{language}.toml").read_text())["phrases"]


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_german_and_chinese_are_shipped():
    assert SHIPPED == ["de", "zh-Hans"]


@pytest.mark.parametrize("language", SHIPPED)
def test_a_language_says_all_that_is_said_and_nothing_else(language):
    known = set(phrases(language))
    assert sorted(SAID - known) == []
    assert sorted(known - SAID) == []


@pytest.mark.parametrize("language", SHIPPED)
def test_a_translation_has_no_place_to_fill_that_the_english_has_not(language):
    odd = [text for text, said in phrases(language).items() if not places(said) <= places(text)]
    assert odd == []


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("make", [render, public_site.render])
@pytest.mark.parametrize("shot", [crowded(), hostile(HOSTILE), snapshot(), four_accounts()])
def test_every_page_can_be_made_in_every_language(language, make, shot):
    files = make(replace(shot, manner=SiteSettings(language=language)))
    assert all(f'<html lang="{language}"'.encode() in files[name] for name in files if name.endswith(".html"))
    assert files.keys() == make(shot).keys()


def test_german_reads_as_german():
    text = Document(render(replace(four_accounts(), manner=SiteSettings(language="de")))["index.html"]).text
    for said in (
        "1 von 4 Konten gestört Am schlimmsten: openai/team-b: Konto gesperrt (Ihr Konto).",
        "1 ausgefallen 3 in Ordnung Wessen Fehler: 1 bei Ihnen",
        "seit 3. Nov., 10:34 UTC",
        "0,62 s",
    ):
        assert said in text


def test_numbers_are_written_as_the_language_writes_them():
    credit = CreditView("USD", NOW, "1,204.20 of 5,000.00 USD left", 1204.2, 5000, 2, None)
    quick = ObjectiveView(Objective("a", "openai/main", frozenset(), latency_s=2.5, latency_share=0.95), ())
    shot = snapshot(account(credits=(credit,)), objectives=(quick,), manner=SiteSettings(language="de"))
    text = Document(render(shot)["accounts/openai/main.html"]).text
    assert "95% binnen 2,5 s in 28 Tagen" in text
    assert "1.204,20 von 5.000,00 USD" in text
    assert "Proben kosteten heute $0,04" in text


def test_chinese_reads_as_chinese():
    text = Document(render(replace(four_accounts(), manner=SiteSettings(language="zh-Hans")))["index.html"]).text
    assert "4 个账户中有 1 个出现故障 最严重： openai/team-b: 账户被封禁 (您的账户)." in text


def test_a_language_that_nobody_wrote_is_english():
    assert load_language("xx", (FOLDER,)) == ENGLISH
    assert load_language("de", ()) == ENGLISH


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
        assert styles[:2] == [f"{up}style.css", f"{up}own.css"]
        assert f"{up}{picture}" in Document(files[name]).values("src")
    assert not {"own.css", picture} & set(make(four_accounts()))


@pytest.mark.parametrize("language", SHIPPED)
@pytest.mark.parametrize("remaining", [None, 3.0])
@pytest.mark.parametrize("most", [None, 50_000.0])
@pytest.mark.parametrize("window", [None, 60.0, 7200.0, 2_592_000.0])
def test_limits_are_said_in_every_language(language, remaining, most, window):
    said = load_language(language, (FOLDER,)).limit(Limit("input_tokens", window, most, remaining))
    assert said
    assert "{" not in said


FLAPPING = Evidence("openai/main/chat", NOW, Fault.TIMEOUT, FLAP, "down 6 times")
TITLES = {
    "a fault": (incident(), "openai/team-b: Konto gesperrt", "openai/team-b: 账户被封禁"),
    "the monitor": (
        incident(scope=Scope.MONITOR),
        "der Monitor ist offline: nichts antwortet",
        "监控离线：没有任何应答",
    ),
    "a source": (
        incident("openai/status", scope=Scope.SOURCE),
        "die Statusquelle openai/status ist nicht lesbar",
        "无法读取状态源 openai/status",
    ),
    "a reminder": (
        incident("the card", scope=Scope.REMINDER),
        "the card läuft bald ab, nach dem Datum, das Sie eingetragen haben",
        "the card 即将到期（按您填写的日期）",
    ),
    "an objective": (
        incident("openai/chat", scope=Scope.OBJECTIVE),
        "openai/chat: Das Fehlerbudget wird zu schnell verbraucht",
        "openai/chat: 错误预算消耗过快",
    ),
    "what comes and goes": (
        incident("openai/main", Fault.TIMEOUT, signal=True, evidence=(FLAPPING,)),
        "openai/main: keine Antwort in der Zeit, immer wieder",
        "openai/main: 应答超时，反复出现",
    ),
    "the road out": (
        incident("", Fault.CONNECTION_FAILED, Scope.EGRESS, id="road"),
        "der Weg von hier nach außen: keine Verbindung",
        "此处的出口网络: 无法连接",
    ),
}


@pytest.mark.parametrize(("it", "german", "chinese"), TITLES.values(), ids=TITLES)
def test_a_title_is_said_in_every_language(it, german, chinese):
    assert (DE.title(it), ZH.title(it)) == (german, chinese)


def test_the_sentence_on_top_says_warnings_in_its_language():
    coming = TITLES["an objective"][0]
    warned = snapshot(account(), open_incidents=(shown(replace(coming, signal=True, targets=())),))
    assert TITLES["an objective"][1] in headline.write_headline(warned, current_state(warned), DE).sentence


def test_the_sentence_on_top_names_the_road_out():
    road = snapshot(account(), open_incidents=(shown(TITLES["the road out"][0]),))
    assert (
        "der Weg von hier nach außen: keine Verbindung ("
        in headline.write_headline(road, current_state(road), DE).sentence
    )


def test_a_users_language_cannot_write_templates_or_tags(tmp_path):
    (tmp_path / LANGUAGES).mkdir()
    said = '[phrases]\n"Open incidents" = "{{ 7 * 7 }}{% x %}<b>&"\n"since" = "{# no #}"\n'
    (tmp_path / LANGUAGES / "xx.toml").write_text(said)
    page = Document(render(replace(four_accounts(), manner=SiteSettings(language="xx", own=tmp_path)))["index.html"])
    assert "{{ 7 * 7 }}{% x %}<b>&" in page.text
    assert "{# no #} 10:11 UTC" in page.text
