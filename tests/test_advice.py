"""What a person is told to do next."""

import re
from itertools import product
from pathlib import Path

import pytest
from msgspec.structs import replace

from monitor.publish import advice as monitors
from probes import advice
from probes.advice import ADVICE, LEAKS, SERVED, SWITCHED, TOGETHER, WANTED, AdviceContext
from probes.catalog import load_provider, provider_ids
from probes.hint import Demand
from probes.model import KEPT_WORDS, Blame, Fault, Phase
from probes.phrase import in_english
from probes.provider import NoPage
from tests.rows import each_row
from tests.test_hint import DEMANDED, LEAKED


def choose_advice(*facts):
    """The advice, in English."""
    return in_english(advice.choose_advice(*facts))


PROVIDERS = [load_provider(id) for id in provider_ids()]
OPENAI = load_provider("openai")
GATEWAY = load_provider("openai-compatible")


@each_row("fault", Fault)
def test_each_fault_has_its_advice_in_one_or_two_sentences(fault):
    assert ADVICE.keys() == set(Fault)
    for provider, served, together in product((OPENAI, GATEWAY), (True, False), (True, False)):
        text = choose_advice(fault, provider, (), AdviceContext(served=served, together=together))
        assert text.endswith(".")
        assert 1 <= text.count(". ") + 1 <= 2


@each_row("fault", Fault)
def test_no_advice_leans_on_what_stands_around_it(fault):
    """A message shows the answer below it, `probe` above it, and `classify` and usable.json show none."""
    for served, together in product((True, False), (True, False)):
        assert not re.search(
            r"\b(below|above)\b", choose_advice(fault, OPENAI, (), AdviceContext(served, together=together))
        )


@pytest.mark.parametrize("fault", OPENAI.help)
def test_the_providers_address_is_in_the_advice(fault):
    assert OPENAI.help[fault] in choose_advice(fault, OPENAI)


def test_where_there_is_no_page_the_reason_is_told_and_whom_to_write_to():
    help = {Fault.ACCOUNT_SUSPENDED: NoPage(none="no appeal form is published", mail="help@example.com")}
    assert choose_advice(Fault.ACCOUNT_SUSPENDED, replace(OPENAI, help=help)).endswith(
        "No appeal form is published: write to help@example.com and name the request id."
    )
    help = {Fault.ACCOUNT_SUSPENDED: NoPage(none="no appeal form is published")}
    assert choose_advice(Fault.ACCOUNT_SUSPENDED, replace(OPENAI, help=help)).endswith(
        "too. No appeal form is published."
    )


@each_row("fault", Fault)
def test_without_an_address_nothing_points_nowhere(fault):
    text = choose_advice(fault, GATEWAY)

    assert "http" not in text
    assert not {"{", "}", "None"} & set(text)


def test_a_suspended_account_stops_its_traffic_and_appeals():
    assert choose_advice(Fault.ACCOUNT_SUSPENDED, OPENAI) == (
        "Stop automated traffic with this key and do not move it to another account: what got this account suspended "
        "can cost the next one, too. Appeal at https://openai.com/form/appeal/ and name the request id."
    )


@pytest.mark.parametrize(
    "fault",
    [fault for fault in Fault if fault.blame is Blame.PROVIDER and fault is not Fault.MODEL_RETIRING],
)
def test_a_fault_of_the_provider_cannot_be_mended_here(fault):
    assert "nothing on your side helps: wait, or switch" in choose_advice(
        fault, OPENAI, (), AdviceContext(own_base=False)
    )


@each_row(
    ("works", "said"),
    [
        (None, "wait, or switch to another model or provider that works."),
        ([], "wait; nothing else watched here is known to work now."),
        (["anthropic/a"], "wait, or switch to anthropic/a, which works now."),
        (
            ["the model gpt-5", "anthropic/a"],
            "wait, or switch to the model gpt-5 or to anthropic/a, which both work now.",
        ),
    ],
)
@each_row("fault", sorted(SWITCHED))
def test_whoever_is_told_to_switch_is_told_to_what(fault, works, said):
    assert said in choose_advice(fault, GATEWAY, (), AdviceContext(works=works))


def test_what_is_told_to_switch_is_what_the_provider_must_mend():
    assert {fault for fault in Fault if fault.blame is Blame.PROVIDER} - SWITCHED == {Fault.MODEL_RETIRING}


@pytest.mark.parametrize("fault", [Fault.INVALID_RESPONSE, Fault.BAD_REQUEST])
@pytest.mark.parametrize(
    ("around", "doubted"),
    [
        (AdviceContext(), True),
        (AdviceContext(served=True), False),  # siblings use it and work
        (AdviceContext(own_base=False), False),  # nobody entered it
    ],
)
def test_a_base_is_doubted_only_where_it_may_be_wrong(fault, around, doubted):
    text = choose_advice(fault, GATEWAY, (), around)

    assert bool(re.search(r"check (?:the )?base", text)) is doubted


@pytest.mark.parametrize("fault", [Fault.INVALID_KEY, Fault.PERMISSION_DENIED])
def test_where_several_keys_were_refused_at_once_none_is_replaced_yet(fault):
    text = choose_advice(fault, OPENAI, (), AdviceContext(together=True))

    assert "in its place" not in text
    assert "no single key explains" in text
    assert OPENAI.help[fault] in text


def test_keys_that_leaked_are_revoked_also_where_several_did():
    text = choose_advice(Fault.INVALID_KEY, OPENAI, [next(iter(LEAKED))], AdviceContext(together=True))

    assert "revoke" in text


@pytest.mark.parametrize("fault", [Fault.CONNECTION_FAILED, Fault.BLOCKED_BY_EDGE, Fault.REGION_BLOCKED])
def test_the_road_is_not_doubted_where_others_pass_it(fault):
    alone, among = (choose_advice(fault, OPENAI, (), AdviceContext(served=served)) for served in (False, True))

    assert "others" in among
    assert "others" not in alone
    assert choose_advice(fault, OPENAI, (), AdviceContext(own_base=False)) == alone


@pytest.mark.parametrize(
    ("phase", "beginning"),
    [
        (None, "No connection could be made"),
        (Phase.NAME, "No connection could be made"),
        (Phase.CONNECT, "No connection could be made"),
        (Phase.TLS, "No secure connection (TLS) could be made"),
        (Phase.REQUEST, "The connection was made but closed"),
        (Phase.FIRST_BYTE, "The connection was made but closed"),
        (Phase.BODY, "The connection was made but closed"),
    ],
)
def test_nobody_is_sent_to_a_part_of_the_road_that_was_passed(phase, beginning):
    assert choose_advice(Fault.CONNECTION_FAILED, OPENAI, (), AdviceContext(phase=phase)).startswith(beginning)


@each_row(("words", "demand"), DEMANDED.items())
def test_a_demanded_verification_is_named(words, demand):
    text = choose_advice(Fault.VERIFICATION_REQUIRED, OPENAI, [words])
    place = OPENAI.verification.get(demand)
    assert text.startswith(f"The provider wants {WANTED[demand]}: a person must do it")
    elsewhere = " The account's settings or the provider's mail say where."
    assert text.endswith(f" Verify at {place}." if place else elsewhere)


@pytest.mark.parametrize(
    ("id", "words", "place"),
    [
        ("codex", "Turn on MFA to use Codex", "https://help.openai.com/en/articles/7967234"),
        ("openai", "Verify your phone number", "https://help.openai.com/en/articles/8983040"),
        ("openai", "Your organization must be verified", "https://help.openai.com/en/articles/10910291"),
        ("anthropic", "Verify your phone number", "https://support.claude.com/en/articles/8287232"),
        ("groq", "Verify your phone number", "support@groq.com"),
        ("openai", "Verification is required", "https://help.openai.com/en/articles/10910291"),
    ],
)
def test_each_kind_of_verification_leads_to_its_own_page(id, words, place):
    assert place in choose_advice(Fault.VERIFICATION_REQUIRED, load_provider(id), [words])


def test_two_kinds_of_verification_lead_to_both_pages():
    text = choose_advice(Fault.VERIFICATION_REQUIRED, OPENAI, ["Verify your phone number", "Please enable 2FA"])

    assert re.search(r"Verify at \S+8983040\S+ and/or \S+7967234\.$", text)


def test_several_demands_are_told_together_and_each_once():
    said = ["Verify your phone number", "Please verify your email or phone number."]
    text = choose_advice(Fault.VERIFICATION_REQUIRED, GATEWAY, said)
    assert text.startswith("The provider wants a phone number verified and/or an e-mail address verified: ")


def test_each_demand_has_its_words():
    assert WANTED.keys() == set(Demand)


def test_words_of_a_verification_change_no_other_advice():
    for fault in set(Fault) - {Fault.VERIFICATION_REQUIRED}:
        assert choose_advice(fault, OPENAI, ["Verify your phone number"]) == choose_advice(fault, OPENAI)


@each_row("words", LEAKED)
@each_row("fault", LEAKS)
def test_a_leaked_key_is_revoked_and_looked_after_before_a_new_one_is_made(fault, words):
    text = choose_advice(fault, OPENAI, ["something else", words])
    assert OPENAI.help[fault] in text
    for needed in ("leaked", "revoke", "find out where it leaked and what was spent"):
        assert needed in text


def test_a_wrong_key_is_no_leaked_one():
    assert "leaked" not in choose_advice(Fault.INVALID_KEY, OPENAI, ["Incorrect API key provided: sk-...abc."])


def test_no_more_is_heard_of_an_answer_than_is_kept_of_it():
    words = "x" * (KEPT_WORDS - 5) + " verify your phone number"
    assert choose_advice(Fault.VERIFICATION_REQUIRED, OPENAI, [words]) == choose_advice(
        Fault.VERIFICATION_REQUIRED, OPENAI
    )


# Advice never sounds like evading a block ------------------------------------------------------------

OTHER = r"(?:an)?other|new|different|fresh|next|second|back-?up|spare|ander\w*|neue\w*"
THINGS = r"(?:accounts?|regions?|countr(?:y|ies)|ips?|addresses|egress|locations?|Kont\w+|Region\w*|Adresse\w*)"
EVASION = re.compile(
    # The proxy that a monitor was given, and that fails, is no way round anything; any other one is.
    rf"\begress\b|\bvpns?\b|(?<!\bthe )(?<!\bam )(?<!\bder )(?<!\bits )(?<!monitor's own )"
    r"(?<!is it a )(?<!ist es ein )(?<!\bden )(?<!\bsein )(?<!= \")(?<!\{)\bprox(?:y|ies)\b(?! \{proxy\})|\btor\b"
    rf"|\b(?:try|use|switch to|move to|from) (?:{OTHER}) {THINGS}\b"
    rf"|\b(?:try|use|switch to|move to|from|nimm|versuch\w*) (?:an |a |the |ein\w* )?(?:{OTHER}) {THINGS}\b"
    rf"|\bswitch(?:ing)? (?:the )?{THINGS}\b|\brotat\w+ (?:keys|accounts)|\b(?:get|work|go) ?-?around\b|\bworkaround"
    r"|\bbypass|\bevad|\bcircumvent|\bunblock|umgeh(?:en|t)\b|\bTunnel|换(?:个)?(?:账|号|地区|节点|IP)|(?:请|使用|用|换个?|通过)代理|翻墙|绕(?:过|开)|梯子",
    re.IGNORECASE,
)
BLOCKED = [fault for fault in Fault if fault.blame in (Blame.ACCOUNT, Blame.PATH)]
SAID = ["", *DEMANDED, *LEAKED]
TEMPLATES = Path(__file__).parents[1] / "templates"


@each_row(
    "text",
    [
        "refuses this address, not the key: try another egress, or wait.",
        "Use a VPN.",
        "Try it from another region.",
        "Switch accounts.",
        "Switch to a backup account.",
        "Create a proxy in between.",
        "Here is how to get around the block.",
        "Nimm ein anderes Konto.",
        "Die Sperre umgehen",
        "换个账号再试",
        "请使用代理",
    ],
)
def test_evasion_is_known_when_it_is_read(text):
    assert EVASION.search(text)


@pytest.mark.parametrize("text", ["the proxy at 10.0.0.1:3128 refuses us", "am Proxy", "代理不放行"])
def test_the_proxy_that_fails_is_no_evasion(text):
    assert not EVASION.search(text)


@pytest.mark.parametrize("fault", BLOCKED)
def test_no_advice_of_a_block_sounds_like_evading_it(fault):
    seen = [AdviceContext(served=served, together=together) for served in (True, False) for together in (True, False)]
    texts = {
        choose_advice(fault, provider, [words], around) for provider in PROVIDERS for words in SAID for around in seen
    }
    assert len(texts) >= (len(LEAKS) if fault in LEAKS else 1)
    usual = [table[fault].do for table in (ADVICE, SERVED, TOGETHER) if fault in table]
    assert all(any(do in text for do in usual) or "a person must do it" in text or "leaked" in text for text in texts)
    assert [text for text in texts if EVASION.search(text)] == []


def test_no_advice_of_the_monitor_sounds_like_it():
    texts = {name: text for name, text in vars(monitors).items() if name.endswith("_ADVICE")}
    assert "ROAD_ADVICE" in texts
    assert [name for name, text in texts.items() if EVASION.search(" ".join(text))] == []


@each_row(
    "file", [*TEMPLATES.glob("alerts/*.j2"), *TEMPLATES.glob("page/*.html"), *TEMPLATES.glob("page/language/*.toml")],
    ids=lambda file: file.name,
)  # fmt: skip
def test_no_template_and_no_language_sounds_like_it(file):
    text = file.read_text()
    assert text.strip()
    assert EVASION.findall(text) == []
