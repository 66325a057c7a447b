"""What a provider's file may not say, and in which words it is told."""

import pytest

from probes.catalog import FOLDER, ProviderFiles, check_wording, load_provider, load_wording, rules_by_name
from probes.document import DocumentError
from probes.model import Fault

GOOD = """\
id = "example"
name = "Example AI"
source = "https://docs.example.com/errors"
checked = 2026-11-21
base = "https://api.example.com/v1"

[canaries.list]
dialect = "list"
path = "/models"
free = true
source = "https://docs.example.com/models"

[help]
account_suspended = "https://example.com/appeal"

[[rules]]
id = "banned"
fault = "account_suspended"
code = ["banned"]
message = ["has been (suspended|banned)"]
source = "https://docs.example.com/errors"
"""
RULE = '[[rules]]\nid = "{id}"\n{facts}\nsource = "https://docs.example.com/errors"\n'


def load(folder, text=GOOD, id="example"):
    (folder / f"{id}.toml").write_text(text)
    return load_provider(id, ProviderFiles((folder,)))


def problems(folder, text, id="example"):
    with pytest.raises(DocumentError) as raised:
        load(folder, text, id)
    return [str(problem) for problem in raised.value.problems]


def test_a_right_file_becomes_a_frozen_value(tmp_path):
    provider = load(tmp_path)

    assert (provider.id, provider.rules[0].fault) == ("example", Fault.ACCOUNT_SUSPENDED)
    with pytest.raises(AttributeError):
        provider.name = "another"


def test_a_provider_without_a_file_is_named(tmp_path):
    with pytest.raises(DocumentError, match=r"^nobody\.toml: does not exist; "):
        load_provider("nobody", ProviderFiles((tmp_path,)))


def test_the_file_must_be_called_after_its_id(tmp_path):
    assert problems(tmp_path, GOOD, "sample") == [
        'sample.toml: id = "example" is not the name of the file; write id = "sample" or name the file example.toml'
    ]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('"write to us"', 'account_suspended = "write to us"'),
        ('{ mail = "help@example.com" }', "help.account_suspended lacks `none`; add none = ..."),
        ('{ none = "" }', "account_suspended.none"),
        ('{ none = "no form is published." }', "account_suspended.none"),
        ('{ none = "no form is published", mail = "the help desk" }', "account_suspended.mail"),
        ('{ none = "no form is published", url = "https://example.com" }', "help.account_suspended.url is not known; "),
    ],
)
def test_help_is_an_address_or_the_reason_why_there_is_none(tmp_path, written, told):
    text = GOOD.replace('account_suspended = "', f"account_suspended = {written} #", 1)
    assert text != GOOD
    assert told in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    ("id", "facts", "told"),
    [
        (
            *("banned", 'ok = true\ntype = ["fine"]'),
            "example.toml: rules.banned stands 2 times; give each rule an id of its own",
        ),
        (
            *("both", 'fault = "timeout"\nok = true\nstatus = [504]'),
            "example.toml: rules.both must have either `fault` or `ok`; keep exactly one of the two",
        ),
        (
            *("neither", "status = [504]"),
            "example.toml: rules.neither must have either `fault` or `ok`; keep exactly one of the two",
        ),
        (
            *("empty", 'fault = "timeout"'),
            "example.toml: rules.empty names nothing to match; add one of: status, tag, code, type, reason, message",
        ),
        (
            *("unclosed", 'fault = "timeout"\nmessage = ["(late"]'),
            'example.toml: rules.unclosed.message = "(late" is no regular expression '
            "(missing ), unterminated subpattern at position 0); mend it",
        ),
        (
            *("same", 'ok = true\ncode = ["BANNED"]\nmessage = ["has been (suspended|banned)"]'),
            "example.toml: rules.same is never reached: banned fits first; move it above banned or drop it",
        ),
        (
            *("narrower", 'ok = true\nstatus = [403]\ncode = ["banned"]\nmessage = ["has been (suspended|banned)"]'),
            "example.toml: rules.narrower is never reached: banned fits first; move it above banned or drop it",
        ),
        (
            *("unhelped", 'fault = "invalid_key"\nstatus = [401]'),
            'example.toml: help lacks `invalid_key`, which a rule can yield; add invalid_key = "https://..."',
        ),
        (
            *("unknown", 'fault = "suspended"\nstatus = [403]'),
            'example.toml: rules.unknown.fault = "suspended": no such fault; did you mean "account_suspended"?',
        ),
    ],
    ids=lambda value: value if " " not in value else "",
)
def test_a_contradiction_in_a_rule_is_told_with_its_repair(tmp_path, id, facts, told):
    assert told in problems(tmp_path, GOOD + RULE.format(id=id, facts=facts))


def test_a_rule_that_asks_for_something_else_as_well_does_not_hide_a_wider_one(tmp_path):
    wider = RULE.format(id="wider", facts='ok = true\ncode = ["banned"]')

    assert [rule.id for rule in load(tmp_path, GOOD + wider).rules] == ["banned", "wider"]


def test_a_rule_of_answers_none_gave_hides_none_of_an_answer(tmp_path):
    road = RULE.format(id="road", facts='ok = true\nunanswered = true\nmessage = ["refused"]')
    answered = RULE.format(id="answered", facts='ok = true\nmessage = ["refused"]')

    assert [rule.id for rule in load(tmp_path, GOOD + road + answered).rules] == ["banned", "road", "answered"]
    assert "road is never reached: answered fits first" in str(problems(tmp_path, GOOD + answered + road))


def test_a_loose_rule_hides_none_that_is_asked_before_it(tmp_path):
    loose = RULE.format(id="loose", facts='ok = true\nloose = true\ntype = ["class"]')
    firm = RULE.format(id="firm", facts='ok = true\ntype = ["class"]')

    assert [rule.id for rule in load(tmp_path, GOOD + loose + firm).rules] == ["banned", "loose", "firm"]
    assert any(
        "rules.again is never reached" in told
        for told in problems(tmp_path, GOOD + loose + loose.replace('"loose"', '"again"', 1))
    )


def test_a_rule_for_pages_does_not_hide_one_for_the_api(tmp_path):
    page = RULE.format(id="page", facts="ok = true\npage = true\nstatus = [404]")
    plain = RULE.format(id="plain", facts="ok = true\nstatus = [404]")

    assert len(load(tmp_path, GOOD + page + plain).rules) == 3


def test_everything_wrong_is_told_at_once(tmp_path):
    text = GOOD + RULE.format(id="a", facts="") + RULE.format(id="b", facts='ok = true\nmessage = ["["]')

    assert len(problems(tmp_path, text.replace('id = "example"', 'id = "other"'))) == 4


FEED = """
[[feeds]]
id = "{id}"
form = "{form}"
url = "https://status.example.com/feed"
page = "https://status.example.com"
components = ["{component}"]
source = "https://docs.example.com/status"
"""


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            {"form": "status-page"},
            'example.toml: feeds.main.form = "status-page": no such form; did you mean "statuspage"?',
        ),
        (
            {"component": "(API"},
            'example.toml: feeds.main.components = "(API" is no regular expression '
            "(missing ), unterminated subpattern at position 0); mend it",
        ),
        ({"id": "other"}, "example.toml: feeds.other stands 2 times; give each feed an id of its own"),
    ],
    ids=["form", "component", "id"],
)
def test_a_mistake_in_a_status_source_is_told_with_its_repair(tmp_path, facts, told):
    usual = {"id": "main", "form": "feed", "component": "API"}
    text = GOOD + FEED.format(**usual | facts) + FEED.format(**usual | {"id": "other"})

    assert problems(tmp_path, text) == [told]


def test_a_users_status_source_takes_the_place_of_a_shipped_one_of_its_id(tmp_path):
    (tmp_path / "example.toml").write_text(GOOD + FEED.format(id="main", form="feed", component="API"))
    moved = {"id": "main", "form": "xai", "url": "https://new.example.com", "page": "https://new.example.com"}
    shelf = ProviderFiles((tmp_path,), {"example": {"feeds": [moved | {"source": "mine"}]}})

    assert [(feed.id, feed.url) for feed in load_provider("example", shelf).feeds] == [
        ("main", "https://new.example.com")
    ]


PAID = """
[canaries.chat]
dialect = "openai-chat"
path = "/chat/completions"
source = "https://docs.example.com/chat"
"""


def test_a_paid_canary_needs_a_model(tmp_path):
    told = problems(tmp_path, GOOD + PAID)

    assert told == ['example.toml: canaries.chat lacks `model`; add model = "..." (the cheapest one)']


def test_a_gateway_may_leave_models_and_addresses_of_help_to_the_account(tmp_path):
    text = (GOOD + PAID).replace('base = "https://api.example.com/v1"\n', "")

    assert load(tmp_path, text.replace('account_suspended = "https://example.com/appeal"\n', "")).base is None


COMMAND = """
[canaries.command]
dialect = "command"
run = ["client", "--ask"]
limit_s = 30
source = "https://docs.example.com/client"
"""
CLIENT = GOOD.replace('base = "https://api.example.com/v1"\n', "").split("[canaries.list]")[0] + COMMAND
CLIENT += GOOD[GOOD.index("[help]") :]


def test_a_client_has_a_program_instead_of_an_address(tmp_path):
    provider = load(tmp_path, CLIENT)

    assert (provider.is_command, provider.base) == (True, None)
    assert provider.canaries["command"].run == ["client", "--ask"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            GOOD.replace('path = "/models"\n', ""),
            'example.toml: canaries.list lacks `path`; add path = "/..."',
        ),
        (
            CLIENT.replace('run = ["client", "--ask"]\n', ""),
            'example.toml: canaries.command lacks `run`; add run = ["program", "argument"]',
        ),
        (
            GOOD.replace("free = true", 'free = true\nrun = ["client"]'),
            "example.toml: canaries.list.run does not go with dialect list; leave it out",
        ),
        (
            GOOD.replace("free = true", "free = true\nlimit_s = 30"),
            "example.toml: canaries.list.limit_s does not go with dialect list; leave it out",
        ),
        (
            GOOD.replace("free = true", 'free = true\nanswers = "OK"'),
            "example.toml: canaries.list.answers does not go with dialect list; leave it out",
        ),
        (
            CLIENT.replace("limit_s = 30", 'answers = "(OK"'),
            'example.toml: canaries.command.answers = "(OK" is no regular expression '
            "(missing ), unterminated subpattern at position 0); mend it",
        ),
        (
            CLIENT.replace("limit_s = 30", 'path = "/models"'),
            "example.toml: canaries.command.path does not go with dialect command; leave it out",
        ),
        (
            CLIENT.replace("limit_s = 30", 'model = "m"'),
            "example.toml: canaries.command.model does not go with dialect command; leave it out",
        ),
        (
            CLIENT.replace('name = "Example AI"', 'name = "Example AI"\nbase = "https://x.example.com"'),
            "example.toml: base does not go with commands; leave it out",
        ),
        (
            CLIENT + GOOD[GOOD.index("[canaries.list]") : GOOD.index("[help]")],
            "example.toml: canaries hold commands beside canaries with an address; "
            "give the commands a provider file of their own",
        ),
        (
            CLIENT.replace('account_suspended = "https://example.com/appeal"\n', ""),
            "example.toml: help lacks `account_suspended`, which a rule can yield; "
            'add account_suspended = "https://..."',
        ),
    ],
    ids=range(11),
)
def test_what_a_command_lacks_or_has_too_much_is_told(tmp_path, text, told):
    assert told in problems(tmp_path, text)


def test_the_wording_is_checked_like_a_providers_rules(tmp_path):
    path = tmp_path / "wording.toml"
    path.write_text("checked = 2026-11-21\n" + RULE.format(id="a", facts='fault = "timeout"'))

    (problem,) = check_wording(load_wording(path), path.name)
    assert str(problem).startswith("wording.toml: rules.a names nothing to match; ")


def test_the_wording_yields_a_tuple_of_rules(tmp_path):
    path = tmp_path / "wording.toml"
    path.write_text("checked = 2026-11-21\n" + RULE.format(id="a", facts='fault = "timeout"\nstatus = [504]'))

    assert [(rule.id, rule.fault) for rule in load_wording(path).rules] == [("a", Fault.TIMEOUT)]


BALANCE = """
[canaries.balance]
dialect = "account"
path = "/balance"
free = true
source = "https://docs.example.com/balance"

[canaries.balance.credit]
left = "left"
currency = "USD"

[canaries.balance.flags]
account_suspended = "blocked"

[canaries.models]
dialect = "list"
path = "/models"
free = true
offers = "data[].id"
source = "https://docs.example.com/models"
"""


def test_what_an_answer_tells_of_the_account_is_a_frozen_value(tmp_path):
    canary = load(tmp_path, GOOD + BALANCE).canaries["balance"]

    assert (canary.credit.left, canary.flags) == ("left", {Fault.ACCOUNT_SUSPENDED: "blocked"})


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        (
            *('left = "left"', 'left = "data["'),
            'canaries.balance.credit.left = "data[" is no JMESPath (Invalid jmespath expression: ',
        ),
        (
            *('left = "left"', 'left = "summ(data)"'),
            'canaries.balance.credit.left = "summ(data)" is no JMESPath (no such function: summ); mend it; see ',
        ),
        (
            *('account_suspended = "blocked"', "account_suspended = 'a b'"),
            'canaries.balance.flags.account_suspended = "a b" is no JMESPath (',
        ),
        (
            *('offers = "data[].id"', 'offers = "data[}.id"'),
            'canaries.models.offers = "data[}.id" is no JMESPath (',
        ),
        (
            *('left = "left"', 'unlimited = "all"'),
            "canaries.balance.credit tells of nothing; add one of: left, most, used, expires",
        ),
        (
            *('currency = "USD"', 'currency = "USD"\ncurrency_at = "unit"'),
            "canaries.balance.credit must have either `currency` or `currency_at`; keep exactly one of the two",
        ),
        (
            *('currency = "USD"\n', ""),
            "canaries.balance.credit must have either `currency` or `currency_at`; keep exactly one of the two",
        ),
        (
            *('dialect = "account"', 'dialect = "list"'),
            'canaries.balance has `credit` or `flags`, but its dialect is "list"; write dialect = "account"',
        ),
        (
            *("free = true\noffers", 'free = true\nflags = { invalid_key = "x" }\noffers'),
            'canaries.models has `credit` or `flags`, but its dialect is "list"; write dialect = "account"',
        ),
    ],
)
def test_a_mistake_in_what_an_answer_tells_gets_its_repair(tmp_path, right, wrong, told):
    assert BALANCE.count(right) == 1
    (problem,) = problems(tmp_path, GOOD + BALANCE.replace(right, wrong))

    assert problem.startswith(f"example.toml: {told}")


def test_what_tells_of_the_account_says_what_a_good_answer_holds(tmp_path):
    text = GOOD + BALANCE.replace('dialect = "list"', 'dialect = "account"').replace('offers = "data[].id"', "")

    assert problems(tmp_path, text) == [
        'example.toml: canaries.models does not say what a good answer holds; add holds = "..." (JMESPath), or [credit]'
    ]


def test_what_a_good_answer_holds_is_said_of_lists_and_accounts_only(tmp_path):
    text = GOOD.replace('dialect = "list"', 'dialect = "openai-chat"\nmodel = "m"\nholds = "choices"')

    assert problems(tmp_path, text) == [
        "example.toml: canaries.list.holds does not go with dialect openai-chat; leave it out"
    ]


def test_names_of_models_are_found_in_lists_only(tmp_path):
    text = GOOD + BALANCE.replace('dialect = "list"', 'dialect = "account"\nholds = "data"')

    assert problems(tmp_path, text) == [
        'example.toml: canaries.models has `offers`, but its dialect is "account"; write dialect = "list"'
    ]


def test_an_expression_laid_over_a_shipped_provider_is_checked_too():
    shelf = ProviderFiles(tables={"deepseek": {"canaries": {"balance": {"credit": {"left": "total_balance["}}}}})
    with pytest.raises(DocumentError, match=r"deepseek\.toml: canaries\.balance\.credit\.left = .* is no JMESPath"):
        load_provider("deepseek", shelf)


def test_a_currency_can_be_said_for_a_region_without_repeating_the_rest():
    shelf = ProviderFiles(tables={"moonshot": {"canaries": {"balance": {"credit": {"currency": "CNY"}}}}})
    credit = load_provider("moonshot", shelf).canaries["balance"].credit

    assert (credit.left, credit.currency) == ("data.available_balance", "CNY")


def test_what_is_called_unverified_must_be_there(tmp_path):
    text = GOOD.replace("\nbase", '\nunverified = ["help.account_suspended", "help.rate_limited", "base.url"]\nbase')

    assert problems(tmp_path, text) == [
        'example.toml: unverified names "help.rate_limited", which is no fact here; mend it or leave it out',
        'example.toml: unverified names "base.url", which is no fact here; mend it or leave it out',
    ]


SIGNAL = """
[[signals]]
id = "old"
header = "x-old"
value = "{value}"
fault = "model_retiring"
source = "https://docs.example.com"
"""


def test_a_signal_that_is_no_regular_expression_is_told(tmp_path):
    (problem,) = problems(tmp_path, GOOD + SIGNAL.format(value="(yes"))

    assert problem.startswith('example.toml: signals.old.value = "(yes" is no regular expression (')


def test_a_users_signals_stand_before_ours():
    signal = {"id": "own", "header": "x-own", "fault": "model_retiring", "source": "https://docs.example.com"}
    signals = load_provider("cohere", ProviderFiles(tables={"cohere": {"signals": [signal]}})).signals

    assert [one.id for one in signals] == ["own", "deprecated"]


def test_rules_are_found_by_name_and_a_faulty_file_has_none(tmp_path):
    (tmp_path / "broken.toml").write_text("id = 5")
    rules_of = rules_by_name(ProviderFiles((FOLDER, tmp_path)))

    assert [rule.id for rule in rules_of("cerebras")] == [rule.id for rule in load_provider("cerebras").rules]
    assert not rules_of("broken")
    assert not rules_of("another")
