"""A server that plays AI providers, and misbehaves on command while it runs."""

import json
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from random import Random
from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from probes.simulator import delivery as wire
from probes.simulator import page
from probes.simulator.answer import sse_data, sse_named, to_json_bytes
from probes.simulator.delivery import Delays, WireReply
from probes.simulator.refusal import load_refusals, masked
from probes.simulator.request import RequestRefusal, SimulatedRequest, check_form, key_of, parse_request, to_generation
from probes.simulator.role import PARTS, Call, Endpoint, Meter, SimulatedProvider

HOST = "127.0.0.1"  # never another: anyone who reaches the server can control it
CONTROL = "/_simulator"
KEPT_REQUESTS = 1000
GOODBYE_S = 0.1
"""Seconds that running answers get when the simulator closes."""


class Trouble(StrEnum):
    """What can be wrong with an account, a provider, or the network between."""

    ACCOUNT_SUSPENDED = "account_suspended"
    INVALID_KEY = "invalid_key"
    READ_ONLY = "read_only"
    WALLET_EMPTY = "wallet_empty"
    VERIFICATION_REQUIRED = "verification_required"
    LIMITS_CUT = "limits_cut"
    LIMITS_ZERO = "limits_zero"
    RATE_LIMITED = "rate_limited"
    MODEL_GONE = "model_gone"
    ECHO_KEY = "echo_key"
    REGION_BLOCKED = "region_blocked"
    EDGE_BLOCK = "edge_block"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    ERROR_IN_200 = "error_in_200"
    NOTHING_IN_200 = "nothing_in_200"
    SLOW = "slow"
    HANG = "hang"
    HALF_STREAM = "half_stream"
    ENDLESS_STREAM = "endless_stream"
    NOT_JSON = "not_json"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    WRONG_CHARSET = "wrong_charset"
    HUGE_BODY = "huge_body"
    GZIP_BOMB = "gzip_bomb"
    REDIRECT = "redirect"


SPARES_LISTS = frozenset(
    {
        Trouble.READ_ONLY,
        Trouble.WALLET_EMPTY,
        Trouble.VERIFICATION_REQUIRED,
        Trouble.LIMITS_CUT,
        Trouble.LIMITS_ZERO,
        Trouble.RATE_LIMITED,
        Trouble.OVERLOADED,
        Trouble.ERROR_IN_200,
    }
)
"""Troubles that show on a paid call only; the free list of models still works."""

OF_ACCOUNTS = frozenset(
    {
        Trouble.ACCOUNT_SUSPENDED,
        Trouble.INVALID_KEY,
        Trouble.ECHO_KEY,
        Trouble.LIMITS_CUT,
        Trouble.LIMITS_ZERO,
        Trouble.MODEL_GONE,
        Trouble.RATE_LIMITED,
        Trouble.READ_ONLY,
        Trouble.VERIFICATION_REQUIRED,
        Trouble.WALLET_EMPTY,
    }
)
"""Troubles that need a valid key to show; any other also hits a missing or a wrong key."""

METERS = {
    Trouble.LIMITS_CUT: Meter(scale=0.1),
    Trouble.LIMITS_ZERO: Meter(scale=0.0),
    Trouble.RATE_LIMITED: Meter(spent=True),
}

ENDLESS = {
    Trouble.HANG: wire.hang,
    Trouble.ENDLESS_STREAM: wire.send_comments,
    Trouble.HUGE_BODY: wire.send_huge,
    Trouble.GZIP_BOMB: wire.send_bomb,
}

MANGLES: dict[Trouble, Callable[[WireReply], WireReply]] = {
    Trouble.EDGE_BLOCK: wire.blocked_by_edge,
    Trouble.NOT_JSON: wire.not_json,
    Trouble.NOTHING_IN_200: wire.nothing_in_it,
    Trouble.EMPTY: wire.empty,
    Trouble.TRUNCATED: wire.truncated,
    Trouble.WRONG_CHARSET: wire.wrong_charset,
}


class SimulatedAccount(Struct, frozen=True):
    """One key that a provider knows. Without `models` it has access to the provider's usual ones."""

    provider: str
    key: str
    models: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SimulatedAccount({self.provider})"


class SimulatedTrouble(Struct, frozen=True):
    """A trouble, or None, and when it hits: for what share of requests, on which calls, for which model.

    Without `calls` it hits those that the trouble affects by nature; without `model`, all models. The waits apply to
    SLOW and ENDLESS_STREAM, `location` is where REDIRECT points.
    """

    trouble: Trouble | None = None
    share: float = 1.0
    calls: Collection[str] = ()
    model: str | None = None
    latency_s: float = 3.0
    ttft_s: float = 0.0
    gap_s: float = 0.1
    location: str = "/_elsewhere"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share = {self.share}: must be above 0, and 1 at most")
        if min(self.latency_s, self.ttft_s, self.gap_s) < 0:
            raise ValueError("a wait must not be negative")
        if unknown := set(self.calls) - set(Call):
            raise ValueError(f"calls: no such call: {', '.join(sorted(unknown))}; there are {', '.join(Call)}")

    @property
    def pace(self) -> Delays:
        return Delays(self.latency_s, self.ttft_s, self.gap_s)

    def strikes(self, call: Call, model: str | None) -> bool:
        if self.trouble is Trouble.MODEL_GONE:
            return True
        struck = call in self.calls if self.calls else call is not Call.LIST or self.trouble not in SPARES_LISTS
        return struck and self.model in (None, model)


NO_TROUBLE = SimulatedTrouble()


class ReceivedRequest(Struct, frozen=True):
    """One request as it arrived. `provider` is None for an address that no provider has."""

    provider: str | None
    key: str | None
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Received({self.method} {self.path})"


class Simulator:
    """Plays all providers on one port of this machine, for the span of an `async with`.

    `latency_s` passes before the headers, then `ttft_s` until the first word of a stream, and `gap_s` between words;
    `spread` varies them by up to that share. `requests` holds the last requests, `counts` the number per key.
    """

    def __init__(
        self,
        accounts: Iterable[SimulatedAccount],
        *,
        port: int = 0,
        latency_s: float = 0.0,
        ttft_s: float = 0.0,
        gap_s: float = 0.0,
        spread: float = 0.0,
        random: Random | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.requests: deque[ReceivedRequest] = deque(maxlen=KEPT_REQUESTS)
        self.counts: Counter[str | None] = Counter()
        self._accounts = {(account.provider, account.key): account for account in accounts}
        if unknown := {provider for provider, _ in self._accounts} - set(PARTS):
            raise ValueError(f"no such provider: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        self._troubles: dict[str, SimulatedTrouble] = {}
        self._told: dict[str, dict[str, page.PostedIncident]] = {}
        self._refusals = load_refusals()
        self._pace = Delays(latency_s, ttft_s, gap_s)
        self._spread = spread
        self._random = random or Random()
        self._clock = clock
        self._began_at = clock()
        self._port = port
        self._runner = web.AppRunner(
            self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=GOODBYE_S
        )

    async def __aenter__(self) -> "Simulator":
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def root(self) -> str:
        return f"http://{HOST}:{self._port}"

    def base(self, provider: str) -> str:
        return self.root + PARTS[provider].base

    def received(self, key: str | None) -> list[ReceivedRequest]:
        return [request for request in self.requests if request.key == key]

    def set(self, whom: str, trouble: Trouble | None, **settings: Any) -> None:
        """Set a trouble, or None, for a key or a whole provider; the settings are those of SimulatedTrouble."""
        if whom not in PARTS and whom not in {key for _, key in self._accounts}:
            raise ValueError("no such account or provider")
        if trouble is None:
            self._troubles.pop(whom, None)
        else:
            self._troubles[whom] = SimulatedTrouble(Trouble(trouble), **settings)

    def status_page(self, provider: str) -> str:
        """Return the URL of the provider's page; `/api/v2/summary.json` and `/history.rss` are below it."""
        return f"{self.root}/{provider}/status"

    def announce(self, provider: str, title: str, **facts: Any) -> None:
        """Post an incident on the provider's status page, or update the one with this title.

        The facts are those of Announcement. The phase "resolved" ends it.
        """
        if provider not in PARTS:
            raise ValueError("no such provider")
        told, now = self._told.setdefault(provider, {}), self._clock()
        if title in told:
            told[title] = replace(told[title], updated_at=now, **facts)
        else:
            told[title] = page.PostedIncident(f"simulated{len(told) + 1}", title, now, now, **facts)

    def _application(self) -> web.Application:
        app = web.Application()
        for provider in PARTS:
            app.router.add_get(f"/{provider}/status/api/v2/summary.json", partial(self._summarize, provider))
            app.router.add_get(f"/{provider}/status/history.rss", partial(self._recount, provider))
        for provider, part in PARTS.items():
            for route in part.routes:
                app.router.add_route(route.method, part.base + route.path, partial(self._answer, provider, route))
        app.router.add_post(CONTROL, self._steer)
        app.router.add_route("*", "/{rest:.*}", self._miss)
        return app

    async def _answer(self, provider: str, route: Endpoint, request: web.Request) -> web.StreamResponse:
        demand = await self._hear(provider, route, request)
        active = self._active_trouble(demand)
        if active.trouble in ENDLESS:
            return await ENDLESS[active.trouble](request, active.pace)
        pace = active.pace if active.trouble is Trouble.SLOW else self._pace
        send = wire.send_half if active.trouble is Trouble.HALF_STREAM else wire.send_reply
        return await send(request, self._reply(demand, active), self._vary(pace))

    async def _hear(self, provider: str, route: Endpoint, request: web.Request) -> SimulatedRequest:
        raw = await self._note(request, provider, key_of(provider, request.headers))
        id = f"{self._random.getrandbits(128):032x}"
        return parse_request(provider, route, request.headers, raw, model=request.match_info.get("model"), id=id)

    async def _note(self, request: web.Request, provider: str | None, key: str | None) -> bytes:
        body = await request.read()
        self.counts[key] += 1
        self.requests.append(ReceivedRequest(provider, key, request.method, request.path_qs, request.headers, body))
        return body

    def _active_trouble(self, demand: SimulatedRequest) -> SimulatedTrouble:
        for whom in (demand.key, demand.provider):
            active = self._troubles.get(whom or "")
            if active and active.strikes(demand.route.call, demand.model) and self._random.random() < active.share:
                return active
        return NO_TROUBLE

    def _vary(self, pace: Delays) -> Delays:
        return pace.times(1 + self._random.uniform(-self._spread, self._spread)) if self._spread else pace

    def _reply(self, demand: SimulatedRequest, active: SimulatedTrouble) -> WireReply:
        objection = self._objection(demand, active)
        reply = self._refuse(demand, objection) if objection else self._good(demand, active)
        if not objection or objection.name in METERS:
            reply = self._metered(demand, reply, active)
        if active.trouble in MANGLES:
            return MANGLES[active.trouble](reply)
        if active.trouble is Trouble.REDIRECT:
            return WireReply(302, {"Location": active.location}, b"")
        return self._failing(demand, reply) if active.trouble is Trouble.ERROR_IN_200 and not objection else reply

    def _objection(self, demand: SimulatedRequest, active: SimulatedTrouble) -> RequestRefusal | None:
        trouble = active.trouble if active.trouble in self._refusals[demand.provider] else None
        if trouble and trouble not in OF_ACCOUNTS:
            return RequestRefusal(trouble)
        if demand.key is None:
            return RequestRefusal("missing_key")
        account = self._accounts.get((demand.provider, demand.key))
        if account is None:
            return RequestRefusal("invalid_key")
        if trouble:
            return RequestRefusal(trouble)
        return check_form(demand) or _fault_of_model(demand, account, active)

    def _refuse(self, demand: SimulatedRequest, objection: RequestRefusal) -> WireReply:
        refusal = self._refusals[demand.provider][objection.name]
        kind = demand.streams and demand.part.stream_error_type or demand.part.json_type
        key = demand.key or ""
        body = refusal.say(
            key=key, masked_key=masked(key), model=demand.model or "", request_id=demand.id, **objection.words
        )
        headers = {**demand.part.headers(demand.id), **refusal.headers, "Content-Type": kind}
        return WireReply(refusal.status, headers, body)

    def _good(self, demand: SimulatedRequest, active: SimulatedTrouble) -> WireReply:
        headers = {**demand.part.headers(demand.id), "Content-Type": demand.part.json_type}
        dialect = demand.route.dialect
        if not dialect:
            account = self._accounts[demand.provider, demand.key or ""]
            return WireReply(200, headers, to_json_bytes(demand.part.listing(_models(account, demand.part, active))))
        question = to_generation(demand, dialect, self._clock())
        if not demand.streams or not dialect.stream:
            return WireReply(200, headers, to_json_bytes(dialect.whole(question)))
        return WireReply(200, {**headers, "Content-Type": wire.SSE}, *dialect.stream(question))

    def _metered(self, demand: SimulatedRequest, reply: WireReply, active: SimulatedTrouble) -> WireReply:
        if demand.route.call in (Call.LIST, Call.COUNT):
            return reply
        meter = METERS[active.trouble] if active.trouble in METERS else Meter()
        return replace(reply, headers={**reply.headers, **demand.part.limits(meter, self._clock())})

    def _failing(self, demand: SimulatedRequest, reply: WireReply) -> WireReply:
        """Return an answer that starts with a 200, and fails in its body or after the first word."""
        error = self._refuse(demand, RequestRefusal(Trouble.SERVER_ERROR)).lead
        if not reply.rest:
            return replace(reply, lead=error)
        event = json.loads(error)
        return replace(reply, rest=(reply.rest[0], sse_named(event) if "type" in event else sse_data(event)))

    async def _summarize(self, provider: str, request: web.Request) -> web.StreamResponse:
        await self._note(request, provider, None)
        told = list(self._told.get(provider, {}).values())
        return page.send_page(
            request, page.summary_page(told, self.status_page(provider), self._began_at), "application/json"
        )

    async def _recount(self, provider: str, request: web.Request) -> web.StreamResponse:
        await self._note(request, provider, None)
        told = list(self._told.get(provider, {}).values())
        return page.send_page(request, page.history_page(told, self.status_page(provider)), "application/rss+xml")

    async def _miss(self, request: web.Request) -> web.StreamResponse:
        await self._note(request, None, None)
        return web.json_response({"error": "nobody lives here"}, status=404)

    async def _steer(self, request: web.Request) -> web.StreamResponse:
        """Obey the JSON. Its content type is required, since a web page cannot send it without permission."""
        if request.content_type != "application/json":
            return _refused(415, "send application/json")
        try:
            order = await request.json()
            whom = order.pop("account", None) or order.pop("provider", None)
            if "announce" in order:
                self.announce(whom, order.pop("announce"), **order)
            else:
                self.set(whom, order.pop("trouble"), **order)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = "account or provider, trouble (null ends it) and its settings; or provider, announce and its facts"
            return _refused(400, f"send {what}; {error}")
        return web.Response(status=204)


def _refused(status: int, why: str) -> web.StreamResponse:
    return web.json_response({"error": why, "troubles": list(Trouble), "providers": list(PARTS)}, status=status)


def _models(account: SimulatedAccount, part: SimulatedProvider, active: SimulatedTrouble) -> list[str]:
    models = account.models or part.models
    if active.trouble is not Trouble.MODEL_GONE:
        return list(models)
    return [model for model in models if active.model not in (None, model)]


def _fault_of_model(
    demand: SimulatedRequest, account: SimulatedAccount, active: SimulatedTrouble
) -> RequestRefusal | None:
    if not demand.route.dialect or demand.model in _models(account, demand.part, active):
        return None
    return RequestRefusal("unknown_model_responses" if demand.route.call is Call.RESPONSES else "unknown_model")
