"""Mistakes of somebody's first day: each is answered with the file, the key, and the repair."""

import pytest

from monitor.cli import main

KEY = "sk-proj-0123456789abcdef0123456789"
HEAD = '[[accounts]]\nname = "a"\n'
OPENAI = HEAD + 'provider = "openai"\n'
GOOD = OPENAI + 'key = "env:KEY"\n'

MISTAKES = {
    "the key itself": (OPENAI + f'key = "{KEY}"', "accounts.a.key ", '"env:NAME" or "file:PATH"'),
    "a shell's dollar": (OPENAI + 'key = "$OPENAI_API_KEY"', "accounts.a.key ", '"env:NAME"'),
    "the name of a variable alone": (OPENAI + 'key = "OPENAI_API_KEY"', "accounts.a.key ", '"env:NAME"'),
    "a dollar behind env:": (OPENAI + 'key = "env:$KEY"', "openai/a ", "no name of an environment variable"),
    "a variable that is not set": (OPENAI + 'key = "env:NOT_SET"', "openai/a ", "NOT_SET is not set; set NOT_SET here"),
    "a file of keys that is not there": (OPENAI + 'key = "file:keys/a"', "openai/a ", "keys/a cannot be read"),
    "no key at all": (OPENAI, "accounts.a lacks `key`", 'add key = "env:OPENAI_API_KEY"'),
    "another name for key": (OPENAI + 'api_key = "env:KEY"', "accounts.a.api_key ", 'did you mean "key"?'),
    "the provider's name as people write it": (
        HEAD + 'provider = "OpenAI"\nkey = "env:KEY"',
        'accounts.a.provider = "OpenAI"',
        '"openai"',
    ),
    "a model's name for its provider": (
        HEAD + 'provider = "Claude"\nkey = "env:KEY"',
        'accounts.a.provider = "Claude"',
        '"anthropic"',
    ),
    "a provider with a typing error": (
        HEAD + 'provider = "antropic"\nkey = "env:KEY"',
        'accounts.a.provider = "antropic"',
        '"anthropic"',
    ),
    "one bracket": (f"[accounts]\n{GOOD.partition(chr(10))[2]}", "accounts ", "[[accounts]]"),
    "no quotes": (HEAD + "provider = openai", "is not TOML", "mend that line"),
    "a gateway without its address": (
        HEAD + 'provider = "openai-compatible"\nkey = "env:KEY"',
        "accounts.a lacks `base`",
        'add base = "https://',
    ),
    "the address of a request": (
        GOOD + 'base = "https://api.openai.com/v1/chat/completions"',
        "accounts.a.base ",
        'write base = "https://api.openai.com/v1"',
    ),
    "an address without https": (GOOD + 'base = "llm.example.com/v1"', "accounts.a.base ", "https://"),
    "two of one name": (GOOD + GOOD, 'accounts holds "openai/a" 2 times', "a name of its own"),
    "one model without brackets": (GOOD + 'models = "gpt-4o"', "accounts.a.models ", "["),
    "a canary that is none": (GOOD + 'canaries = ["chats"]', 'accounts.a.canaries = "chats"', '"chat"'),
    "an interval in words": (GOOD + '[probe]\nfree_interval_s = "60s"', "probe.free_interval_s ", "number"),
    "an interval of a second": (GOOD + "[probe]\nfree_interval_s = 1", "probe.free_interval_s ", "10"),
    "a mail address as a channel": (
        GOOD + '[[channels]]\nname = "me"\nurl = "jo@example.com"',
        "channels.me.url ",
        "compare it with Apprise's page",
    ),
    "a route to nobody": (GOOD + '[[routes]]\nchannels = ["phone"]', "routes", "phone"),
}


@pytest.mark.parametrize(("text", "key", "repair"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_of_the_first_day_names_file_key_and_repair(tmp_path, monkeypatch, capsys, text, key, repair):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", KEY)
    (tmp_path / "monitor.local.toml").write_text(text)

    assert main(["check"]) == 2
    said = capsys.readouterr().err
    (line,) = [one for one in said.splitlines() if key in one and one.startswith("monitor.local.toml: ")][:1]
    assert repair in line
    assert KEY not in said
