"""An answer that no rule reads becomes a rule, with the sample that proves it."""

import io
import json
import shutil
import sys
import tomllib
from argparse import Namespace
from datetime import date

import pytest
from msgspec.structs import replace

from monitor.cli import main
from monitor.commands.rule_proposal import Known, propose_rule
from monitor.console.source_tree import SourceTree, find_tree, prove, with_block, write_rule
from probes.catalog import load_provider, load_wording, provider_ids, rules_by_name
from probes.document import DocumentError
from probes.model import Fault
from probes.proposal import (
    ProposedRule,
    Unproposable,
    expression_for,
    guess,
    propose,
    reading_rule,
    rule_block,
    verdict_on,
    with_rule,
)
from probes.provider import Rule
from probes.sample import Sample, sample_text
from tests.backstage import ROOT
from tests.rows import each_row

WORDING = load_wording().rules
ORIGIN = ("https://docs.example.com", date(2026, 12, 1))
KEY = "sk-proj-abcdefgh0123456789"


def said(message, **marks):
    return json.dumps({"error": {"message": message, **marks}}, ensure_ascii=False)


NEW = Sample(
    402, {}, said("Your workspace is at its end.", code="workspace_budget_empty", type="invalid_request_error")
)


def proposed(sample, fault=Fault.QUOTA_EXHAUSTED, id="openai", known=None):
    return propose(load_provider(id), WORDING, sample, fault, ORIGIN, known or {})


@pytest.mark.parametrize(
    ("sample", "asked"),
    [
        (NEW, {"tag": ["workspace_budget_empty"]}),
        (Sample(400, {}, said("x", type="budget_gone", code=400)), {"tag": ["budget_gone"]}),
        (Sample(429, {}, said("账户已冻结", code="1999")), {"tag": ["1999"]}),
        (
            Sample(400, {}, said("The frobnicator 'x' of 12 units isn't aligned.", type="invalid_request_error")),
            {"message": ["The frobnicator.{1,80}of.{1,80}units isn.t aligned"]},
        ),
        (Sample(403, {}, "<html><body>This tenant is parked</body></html>"), {"message": ["This tenant is parked"]}),
        (Sample(418, {}, said("No.", code="spent", type="invalid_request_error")), {"status": [418], "tag": ["spent"]}),
    ],
    ids=["code", "type", "number", "sentence", "page", "code and status"],
)
def test_a_rule_asks_for_the_surest_sign_and_reads_its_answer(sample, asked):
    rule = proposed(sample).rule

    assert {name: getattr(rule, name) for name in ("status", "tag", "message") if getattr(rule, name)} == asked
    told = verdict_on(with_rule(load_provider("openai"), ProposedRule(rule, None)), WORDING, sample)
    assert (told.rule, told.fault) == (f"openai/{rule.id}", Fault.QUOTA_EXHAUSTED)


def test_a_program_gets_a_rule_too():
    rule = proposed(Sample(1, {}, "ERROR: workspace seat was removed\n", is_output=True), id="codex").rule

    assert (rule.id, rule.message) == ("workspace-seat-was-removed", ["workspace seat was removed"])


def test_what_another_sample_says_too_is_not_asked_for():
    sample = Sample(402, {}, said("The card was refused by its bank", code="payment_trouble"))
    other = sample_text(Sample(402, {}, said("x", code="payment_trouble")))
    provider = load_provider("openai")
    loose = Rule(id="trouble", fault=Fault.SLOW, status=[402], loose=True, source=ORIGIN[0])
    provider = replace(provider, rules=[*provider.rules, loose])

    def asked(known):
        return propose(provider, WORDING, sample, Fault.QUOTA_EXHAUSTED, ORIGIN, known).rule

    assert asked({}).tag == ["payment_trouble"]
    assert asked({"trouble": other}).message == ["The card was refused by its bank"]


def test_an_answer_that_a_rule_reads_wrongly_has_the_new_rule_above_it():
    sample = Sample(401, {}, said("Your account was closed for good.", code="invalid_api_key"))
    found = proposed(sample, Fault.ACCOUNT_SUSPENDED)

    assert found.before == "key"
    assert found.rule.message == ["Your account was closed for good"]


def test_an_answer_without_a_sign_of_its_own_has_no_rule():
    for body in ("", "{}", said("No."), said("", type="invalid_request_error"), said("", code="insufficient_quota")):
        with pytest.raises(Unproposable, match="by hand"):
            proposed(Sample(402, {}, body))


@pytest.mark.parametrize(
    ("id", "sample", "fault", "why"),
    [
        ("openai", Sample(400, {}, said("You have no budget left")), Fault.QUOTA_EXHAUSTED, "the shared rule wording/"),
        ("openai", Sample(400, {}, said("x", code="1305")), Fault.OVERLOADED, "zhipu/"),
        (
            "openai",
            Sample(402, {}, said("x", code="xyzzy_plugh")),
            Fault.QUOTA_EXHAUSTED,
            "status/402 is all that tells",
        ),
    ],
)
def test_what_it_means_is_guessed_by_words_then_by_others_then_by_the_status(id, sample, fault, why):
    provider = load_provider(id)
    found = guess(provider, verdict_on(provider, WORDING, sample), sample, provider_ids(), rules_by_name())

    assert found.fault is fault
    assert why in found.why


def test_nothing_is_guessed_where_nothing_tells():
    provider, sample = load_provider("openai"), Sample(418, {}, said("Xyzzy.", code="xyzzy_plugh"))

    assert guess(provider, verdict_on(provider, WORDING, sample), sample, provider_ids(), rules_by_name()) is None


def test_a_loose_rule_and_a_status_read_nothing_for_sure():
    provider = load_provider("anthropic")
    samples = {
        "loose": Sample(401, {}, said("Try it another way", type="authentication_error")),
        "sure": Sample(402, {}, said("x", type="billing_error")),
    }
    read = {name: reading_rule(provider, verdict_on(provider, WORDING, one)) for name, one in samples.items()}

    assert read["loose"] is None
    assert read["sure"].id == "billing"


@pytest.mark.parametrize(
    ("sentence", "expression"),
    [
        ("Plan ended on 2026-12-01.", "Plan ended on"),
        ('Model `x-1` isn\'t part of plan "team" (pro)!', "isn.t part of plan.{1,80}\\(pro\\)"),
        ("See https://example.com/x?y for more about it", "for more about it"),
        ("No.", ""),
        ("12345 67890", ""),
        ("余额不足，请充值", "余额不足，请充值"),
        ("余额", ""),
    ],
)
def test_an_expression_holds_what_stays_the_same(sentence, expression):
    made = expression_for(sentence)

    assert made == expression or made.endswith(expression) and expression


def test_a_long_sentence_is_cut_between_two_words():
    made = expression_for("budget " * 40)

    assert set(made.split()) == {"budget"}
    assert len(made) < 100


@pytest.mark.parametrize("odd", ["\ud800", "\x7f", "\x1b[31m", "\u202e"])
def test_what_cannot_be_printed_is_asked_for_neither_as_a_code_nor_in_a_sentence(odd):
    message = f"Widgets {odd} are not for sale today"
    body = json.dumps({"error": {"message": message, "code": f"not_{odd}_sold"}})
    rule = propose(load_provider("openai"), WORDING, Sample(402, {}, body), Fault.SLOW, ORIGIN, {}).rule

    assert (rule.tag, rule.message) == ([], ["Widgets.{1,80}are not for sale today"])
    assert tomllib.loads(rule_block(rule).encode().decode())


def test_a_block_is_read_back_as_the_rule():
    rule = Rule(
        id="a",
        fault=Fault.SLOW,
        page=True,
        status=[402],
        tag=['say "x"', "余额"],
        message=[r"\(a\).{1,80}b"],
        source=ORIGIN[0],
        checked=ORIGIN[1],
    )
    (table,) = tomllib.loads(rule_block(rule))["rules"]

    assert {name: getattr(rule, name) for name in table} == table


@pytest.fixture
def tree(tmp_path):
    """A checkout with what belongs to one provider."""
    for folder in ("probes/providers", "tests/samples/openai"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "probes/providers/openai.toml", tmp_path / "probes/providers")
    shutil.copytree(ROOT / "tests/samples/openai", tmp_path / "tests/samples/openai", dirs_exist_ok=True)
    return SourceTree(tmp_path)


def test_rule_and_sample_are_written_and_proven(tree):
    found = proposed(NEW)
    facts, sample = write_rule(tree, "openai", found, sample_text(NEW))

    assert sample == tree.sample_file("openai", "workspace-budget-empty")
    assert "\n\n" + rule_block(found.rule) + "\n# Status ---" in facts.read_text()
    prove(tree, "openai")
    with pytest.raises(DocumentError, match="is there already"):
        write_rule(tree, "openai", found, sample_text(NEW))


def test_a_rule_that_takes_another_ones_sample_leaves_all_as_it_was(tree):
    before = tree.provider_file("openai").read_text()
    greedy = Rule(id="greedy", fault=Fault.SLOW, tag=["insufficient_quota"], source=ORIGIN[0])
    sample = sample_text(Sample(429, {}, said("x", code="insufficient_quota")))

    with pytest.raises(DocumentError, match=r"rules\.credit is (not the one that reads its sample|never reached)"):
        write_rule(tree, "openai", ProposedRule(greedy, "credit"), sample)
    assert tree.provider_file("openai").read_text() == before
    assert not tree.sample_file("openai", "greedy").exists()


def test_what_cannot_be_written_is_named_and_leaves_all_as_it_was(tree):
    before, folder = tree.provider_file("openai").read_text(), tree.root / "tests/samples/openai"
    shutil.rmtree(folder)
    folder.write_text("no folder")

    with pytest.raises(DocumentError, match=r"samples/openai: cannot be written \(File exists\); make it writable"):
        write_rule(tree, "openai", proposed(NEW), sample_text(NEW))
    assert tree.provider_file("openai").read_text() == before


@each_row("id", provider_ids())
def test_a_block_lands_among_the_rules_of_every_shipped_file(id):
    text = (ROOT / "probes/providers" / f"{id}.toml").read_text()
    rule = Rule(id="new-one", fault=Fault.SLOW, tag=["xyzzy"], source=ORIGIN[0], checked=ORIGIN[1])
    before, after = tomllib.loads(text), tomllib.loads(with_block(text, ProposedRule(rule, None)))
    rules = before.get("rules", [])

    assert [one["id"] for one in after["rules"]] == [*(one["id"] for one in rules), "new-one"]
    assert {**after, "rules": rules} == {"rules": rules, **before}
    for one in rules[:1]:
        first = tomllib.loads(with_block(text, ProposedRule(rule, one["id"])))["rules"]
        assert [rule["id"] for rule in first[:2]] == ["new-one", one["id"]]


def test_a_checkout_is_the_first_folder_with_facts_and_samples(tree):
    assert find_tree(tree.root / "tests", tree.root, ROOT).root == tree.root
    assert find_tree(tree.root / "tests") is None


# At the terminal


@pytest.fixture
def ask(tree, monkeypatch, capsys):
    """Say `classify --propose` with an answer on stdin in the checkout: exit code, stdout, stderr."""
    monkeypatch.chdir(tree.root)

    def ask(text, *words):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        try:
            code = main(["classify", "--propose", *words])
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return ask


ANSWER = (
    "HTTP/2 402\r\ncontent-type: application/json\r\nx-request-id: req_9912ab77\r\nset-cookie: a=b\r\n\r\n"
    f'{{"error": {{"message": "No budget left for {KEY} of bob@example.com", "code": "workspace_budget_empty"}}}}\n'
)


def test_a_pasted_answer_becomes_a_rule_a_sample_and_what_is_left_to_do(ask, tree):
    code, out, _ = ask(ANSWER, "--provider", "openai", "--source", "https://docs.example.com/402")

    assert code == 0
    assert 'tag = ["workspace_budget_empty"]\nsource = "https://docs.example.com/402"\nchecked = 20' in out
    assert "guessed, since the shared rule wording/" in out
    assert "HTTP/1.1 402 Payment Required\ncontent-type: application/json\nx-request-id: 00000000\n\n{" in out
    assert "Prove it, as the chapter on providers in CONTRIBUTING.md says." in out
    assert not [secret for secret in (KEY, "bob@", "9912", "set-cookie", "req_") if secret in out]
    assert not tree.sample_file("openai", "workspace-budget-empty").exists()


def test_with_write_both_are_in_the_checkout_and_the_answer_classifies(ask, tree):
    code, out, _ = ask(ANSWER, "--provider", "openai", "--fault", "permission_denied", "--write")

    assert code == 0
    assert "Wrote probes/providers/openai.toml and tests/samples/openai/workspace-budget-empty.http" in out
    assert KEY not in tree.sample_file("openai", "workspace-budget-empty").read_text()
    rules = tomllib.loads(tree.provider_file("openai").read_text())["rules"]
    assert [(one["id"], one["fault"]) for one in rules[-1:]] == [("workspace-budget-empty", "permission_denied")]


def test_an_answer_may_stand_in_a_file(ask, tree):
    (tree.root / "answer.txt").write_text(ANSWER)

    assert 'id = "workspace-budget-empty"' in ask("", "--provider", "openai", "answer.txt")[1]
    code, _, err = ask("", "--provider", "openai", "nowhere.txt")
    assert (code, '"nowhere.txt" cannot be read (No such file or directory)' in err) == (2, True)


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        (
            said("Incorrect API key provided", code="invalid_api_key"),
            ("--status", "401"),
            "openai/key reads it as inva",
        ),
        ('{"object": "list", "data": [{"id": "m"}]}', ("--status", "200"), "It is a good answer (ok/2xx)"),
    ],
)
def test_what_is_read_already_needs_no_rule(text, words, told, ask):
    code, out, _ = ask(text, "--provider", "openai", *words)

    assert (code, told in out, "[[rules]]" in out) == (0, True, False)


@pytest.mark.parametrize(
    ("text", "words", "told"),
    [
        ("", (), "stdin: is empty; paste the status line"),
        (" \n", (), "stdin: is empty"),
        ('{"error": {"message": "x"}}', (), "stdin: is no answer over HTTP: it names no status"),
        ("x", ("--status", "42"), "--status = 42 is no HTTP status; give 100 to 599"),
        ("x" * 16_001, ("--status", "402"), "stdin: is longer than 16000 characters"),
        (
            "\x1f\x8b\x08\x00\x00\x00\ufffd\ufffd" * 9,
            ("--status", "402"),
            "stdin: is no text; paste the answer as text",
        ),
        (said("xyzzy plugh now"), ("--status", "418"), "cannot be guessed; say --fault F, one of invalid_key"),
        (ANSWER, ("--source", "http://x"), "--source is no address that may be published"),
        (ANSWER, ("--source", f"https://x.example.com/?key={KEY}"), "--source is no address that may be published"),
        (ANSWER, ("--fault", "quota"), '"quota" is no fault; there are invalid_key'),
        (ANSWER, ("--fault", "unclassified"), "--fault unclassified is what no rule means"),
        (ANSWER, ("--status", "0"), "--status = 0 is no HTTP status"),
        (ANSWER, ("--jsonl",), "--propose does not go with --jsonl"),
    ],
)
def test_what_cannot_be_a_sample_is_refused_with_the_repair(text, words, told, ask):
    code, out, err = ask(text, "--provider", "openai", *words)

    assert (code, out) == (2, "")
    assert told in err
    assert KEY not in err


def test_whose_answer_it_is_must_be_said_and_known(ask):
    assert "add --provider P" in ask(ANSWER)[2]
    assert 'did you mean "openai"?' in ask(ANSWER, "--provider", "opanai")[2]


def test_options_about_a_rule_need_propose(ask, capsys):
    assert main(["classify", "--provider", "openai", "--write"]) == 2
    assert "--write says nothing by itself; add --propose" in capsys.readouterr().err


@pytest.mark.parametrize("write", [False, True])
def test_an_installed_program_proposes_and_writes_nowhere(write, capsys):
    options = Namespace(file=None, status=None, header=[], fault=None, source=None, write=write)
    known = Known(load_provider("openai"), WORDING, provider_ids(), rules_by_name(), [])

    if write:
        with pytest.raises(
            DocumentError, match="--write needs a checkout of the sources, and there is none; say it in"
        ):
            propose_rule(options, io.StringIO(ANSWER), known, None, ORIGIN[1])
    else:
        assert propose_rule(options, io.StringIO(ANSWER), known, None, ORIGIN[1]) == 0
        assert "[[rules]]" in capsys.readouterr().out
