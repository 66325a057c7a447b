import pytest

from monitor.config.cost import Estimate, check_budgets, estimate_accounts
from monitor.config.load import load_config
from tests.backstage import call


def loaded(folder, rest="", models='["gpt-4.1-nano"]', more=""):
    text = f'[[accounts]]\nname = "a"\nprovider = "openai"\nkey = "env:X"\nmodels = {models}\n{rest}\n{more}'
    (folder / "monitor.toml").write_text(text)
    return load_config(folder / "monitor.toml", {"X": "sk-0123456789"})


def told(config):
    return [str(problem) for problem in check_budgets(config)]


def test_free_canaries_cost_calls_only(tmp_path):
    cost = estimate_accounts(loaded(tmp_path, 'canaries = ["list"]'))["openai/a"]

    assert cost == Estimate(calls=1440, tokens=0, usd=0)


def test_paid_canaries_are_counted_at_their_cap(tmp_path):
    cost = estimate_accounts(loaded(tmp_path, 'canaries = ["chat"]'))["openai/a"]

    assert (cost.calls, cost.tokens) == (288, 288 * (10 + 16))
    assert cost.usd == pytest.approx(288 * (10 * 0.10 + 16 * 0.40) / 1e6)


def test_a_longer_answer_costs_more_and_is_held_to_the_budget(tmp_path):
    long = "answer_tokens = 128\ncanaries = ['chat', 'responses']"
    cost = estimate_accounts(loaded(tmp_path, 'canaries = ["list", "chat"]\nanswer_tokens = 100'))["openai/a"]

    assert cost.tokens == 288 * (40 + 100)
    assert cost.usd == pytest.approx(288 * (40 * 0.10 + 100 * 0.40) / 1e6)
    assert told(loaded(tmp_path, "answer_tokens = 128\ncanaries = ['list', 'chat']")) == []
    (problem,) = told(loaded(tmp_path, long))
    assert "would use 96,768 tokens a day, above daily_tokens = 50000" in problem


def test_an_unknown_price_is_not_zero_and_the_tokens_still_count(tmp_path):
    cost = estimate_accounts(loaded(tmp_path, models='["gpt-4.1-nano", "somebody-elses"]'))["openai/a"]

    assert cost.usd is None
    assert cost.tokens == 2 * 288 * 26


def test_a_client_is_counted_by_its_calls_since_it_tells_no_more(tmp_path):
    (tmp_path / "monitor.toml").write_text('[[accounts]]\nname = "sub"\nprovider = "codex"\n')
    config = load_config(tmp_path / "monitor.toml", {})

    assert estimate_accounts(config) == {"codex/sub": Estimate(calls=24, tokens=None, usd=None)}
    assert told(config) == []


def test_the_default_configuration_is_within_its_budget(tmp_path):
    assert told(loaded(tmp_path, 'canaries = ["list", "chat", "responses"]')) == []


def test_too_many_tokens_are_refused_with_the_line_to_change(tmp_path):
    assert told(loaded(tmp_path, "daily_tokens = 1000\ncanaries = ['list', 'chat']")) == [
        "monitor.toml: accounts.a would use 7,488 tokens a day, above daily_tokens = 1000; "
        "write interval_s = { chat = 2280 }, or raise that budget"
    ]


def test_the_line_that_is_proposed_is_enough(tmp_path):
    assert told(loaded(tmp_path, "daily_tokens = 1000\ninterval_s = { chat = 2280 }")) == []


def test_too_much_money_is_refused_too(tmp_path):
    (problem,) = told(loaded(tmp_path, "daily_usd = 0.0001"))

    assert "USD a day, above daily_usd = 0.0001; write interval_s = { chat = " in problem


def test_without_any_budget_the_paid_canaries_are_to_be_left_out(tmp_path):
    (problem,) = told(loaded(tmp_path, "daily_tokens = 0"))

    assert problem.endswith("raise that budget, or leave out chat")
    assert told(loaded(tmp_path, 'daily_tokens = 0\ncanaries = ["list"]')) == []


@pytest.mark.parametrize("command", ["run", "once", "check"])
def test_no_command_that_spends_starts_above_the_budget(tmp_path, command):
    loaded(tmp_path, "daily_tokens = 1000")
    code, _, err = call(command, folder=tmp_path, X="sk-0123456789")

    assert code == 2
    assert "above daily_tokens = 1000" in err
    assert not (tmp_path / "state").exists()


def test_cost_prints_a_month_before_anything_is_sent(tmp_path):
    loaded(tmp_path)
    code, out, _ = call("cost", folder=tmp_path, X="sk-0123456789")

    assert code == 0
    assert "52,560" in out
    assert "224,640" in out
    assert "0.06" in out


def test_cost_says_what_is_above_the_budget(tmp_path):
    loaded(tmp_path, "daily_tokens = 1000")
    code, out, err = call("cost", folder=tmp_path, X="sk-0123456789")

    assert code == 2
    assert "224,640" in out
    assert "above daily_tokens = 1000" in err
