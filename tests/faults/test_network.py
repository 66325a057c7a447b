"""The real program on a machine whose network, names and certificates fail: nobody else is blamed, no key is shown."""

import re
import time

import pytest
from yarl import URL

from tests.faults.authority import listener
from tests.faults.deaf import crowded
from tests.faults.hostile import answer
from tests.faults.machine import end, until
from tests.faults.resolver import Failure, resolver

NAMED = re.compile(r'base = "http://127\.0\.0\.1:(\d+)/(\w+)')


IMPATIENT = '[probe]\nonline = ["127.0.0.1:{}"]\nblip_s = {}\nconnect_s = 3\nsilence_s = 4\ntotal_s = 8\n'


def impatient(stage, blip_s=10):
    return IMPATIENT.format(URL(stage.simulator.base("openai")).port, blip_s)


def watch(machine, stage, more="", blip_s=10):
    """Start the program, and wait until each target was seen to work."""
    stage.write_config(machine.folder, impatient(stage, blip_s))
    with (machine.folder / "monitor.toml").open("a") as file:
        file.write(more)
    program = machine.start("run")
    until(lambda: len({account for account, *_ in outcomes(machine)}) == 3 + more.count("[[accounts]]"))
    return program


def by_name(machine):
    """Reach each provider, and the neutral host, by a name of its own."""
    file = machine.folder / "monitor.toml"
    text = NAMED.sub(r'base = "http://\2.test:\1/\2', file.read_text())
    file.write_text(text.replace('online = ["127.0.0.1:', 'online = ["neutral.test:'))


def outcomes(machine):
    if not (machine.folder / "site" / "index.html").exists():
        return []
    return machine.rows("SELECT account, outcome, fault FROM observation JOIN series ON id = series_id")


def offline(machine):
    return machine.rows("SELECT opened, closed FROM incident WHERE scope = 'monitor'")


def titles(stage):
    return [message["title"] for message in stage.inbox.messages]


GATEWAYS = 30


def gateways(stage):
    block = '[[accounts]]\nname = "g{0}"\nprovider = "openai-compatible"\nkey = "env:OPENAI_MAIN"\nbase = "{1}"\n'
    block += 'canaries = ["list"]\ninterval_s = {{ list = 10 }}\n'
    return "".join(block.format(number, stage.simulator.base("openai")) for number in range(GATEWAYS))


def test_a_cut_cable_blames_nobody_of_many_and_is_told_once_when_it_is_over(apart, far_stage):
    stage = far_stage
    program = watch(apart, stage, gateways(stage))
    apart.cut()
    until(lambda: offline(apart), 90)
    code, out = apart.call("status")
    assert (code, "the monitor is offline: nothing answers" in " ".join(out.split())) == (1, True)
    apart.mend()
    until(lambda: titles(stage), 90)
    time.sleep(5)
    assert end(program) == 0
    assert len(titles(stage)) == 1
    assert titles(stage)[0].startswith("[GAP] the monitor was offline for")


def test_a_road_that_comes_and_goes_within_the_time_of_a_blip_wakes_nobody(apart, far_stage):
    stage = far_stage
    program = watch(apart, stage, blip_s=60)
    for _ in range(3):
        apart.cut()
        time.sleep(12)
        apart.mend()
        time.sleep(12)
    assert {2} <= {outcome for _, outcome, _ in outcomes(apart)}
    assert end(program) == 0
    assert [title for title in titles(stage) if not title.startswith("[GAP]")] == []
    assert len(titles(stage)) <= 1


@pytest.fixture
def names(apart):
    with resolver(apart) as made:
        made.names[".test"] = ["127.0.0.1"]
        yield made.names


def watch_by_name(machine, stage, names, **changed):
    """Start the program; once all is well start it anew, by when the names have changed."""
    stage.write_config(machine.folder, impatient(stage))
    by_name(machine)
    assert machine.call("once")[0] == 0
    names |= changed
    return machine.start("run")


@pytest.mark.parametrize("failure", [Failure.SERVFAIL, Failure.SILENCE])
def test_names_that_nobody_resolves_are_our_own_trouble(apart, far_stage, names, failure):
    program = watch_by_name(apart, far_stage, names, **{".test": failure})
    until(lambda: offline(apart), 60)
    names[".test"] = ["127.0.0.1"]
    until(lambda: titles(far_stage), 60)
    assert end(program) == 0
    assert len(titles(far_stage)) == 1
    assert titles(far_stage)[0].startswith("[GAP] the monitor was offline for")


def test_a_name_that_is_gone_is_the_trouble_of_who_bears_it(apart, far_stage, names):
    del names[".test"]
    names |= dict.fromkeys(("openai.test", "anthropic.test", "neutral.test"), ["127.0.0.1"])
    program = watch_by_name(apart, far_stage, names, **{"anthropic.test": Failure.NXDOMAIN})
    until(lambda: titles(far_stage), 120)
    assert end(program) == 0
    (message,) = far_stage.inbox.messages
    assert re.match(r"\[DOWN\] anthropic@anthropic\.test:\d+: no connection$", message["title"])
    assert "the name of the host is not found" in message["message"]
    assert "the key is not the problem" in message["message"]
    assert offline(apart) == []


IPV6_THAT_LEADS_NOWHERE = (
    "ip address add 192.0.2.2/32 dev lo",  # a machine that has loopback alone asks for no address of that kind
    "ip address add 2001:db8::1/128 dev lo nodad",
)


def test_a_machine_whose_ipv6_leads_nowhere_goes_on_with_ipv4(apart, far_stage, names):
    """What is sent to that address is never answered, as behind a router that drops it."""
    for command in IPV6_THAT_LEADS_NOWHERE:
        apart.shell(command)
    names[".test"] = ["2001:db8::1", "127.0.0.1"]
    far_stage.write_config(apart.folder, impatient(far_stage))
    by_name(apart)

    with crowded("2001:db8::1", URL(far_stage.simulator.base("openai")).port, apart.enter_network):
        assert apart.call("once")[0] == 0
    assert {outcome for _, outcome, _ in outcomes(apart)} == {0}
    assert titles(far_stage) == []


PORTAL = answer(200, b"<html><title>Welcome to the hotel</title><form>Room number</form></html>", kind=b"text/html")


def test_a_captive_portal_costs_no_account_its_name(apart, far_stage, names):
    far_stage.write_config(apart.folder, impatient(far_stage))
    by_name(apart)
    assert apart.call("once")[0] == 0
    port = URL(far_stage.simulator.base("openai")).port
    with listener(port=port, host="127.0.0.2", says=PORTAL, enter=apart.enter_network):
        names[".test"] = ["127.0.0.2"]
        program = apart.start("run")
        until(lambda: titles(far_stage), 120)
        assert end(program) == 0
    told = " ".join(message["title"] + message["message"] for message in far_stage.inbox.messages)
    assert "invalid answers" in told
    assert "check the base address" in told
    assert "your account" not in told
