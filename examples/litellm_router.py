"""A LiteLLM Router that sends nothing with an account which provider-monitor says is lost.

    import litellm
    from litellm_router import UsableAccounts

    litellm.callbacks = [UsableAccounts("/var/lib/provider-monitor/site/usable.json")]  # or its http address
    router = litellm.Router(model_list=[{..., "model_info": {"account": "openai/production"}}, ...])
    await router.acompletion(model="fast", messages=[...])

LiteLLM asks such a callback in its asynchronous calls only, and so does its proxy, for each attempt.
"""

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from litellm.integrations.custom_logger import CustomLogger

READ_EVERY_S = 5.0
"""An http address is asked again after so long, for what is new only; a file is looked at for each attempt."""


class UsableAccounts(CustomLogger):
    """Leaves a Router what is usable; else what is not known; never what is not usable, or withheld."""

    def __init__(self, where="site/usable.json"):
        super().__init__()
        self._source, self._told = Source(str(where)), {"accounts": {}}

    async def async_filter_deployments(
        self, model, healthy_deployments, messages, request_kwargs=None, parent_otel_span=None
    ):
        self._told = await self._source.newer() or self._told  # what cannot be read leaves all as it was
        ranked = [(self._rank(one["model_info"].get("account")), one) for one in healthy_deployments]
        best = min((rank for rank, _ in ranked if rank is not None), default=None)
        return [one for rank, one in ranked if rank is not None and rank == best]

    def _rank(self, account):
        """Return the place of an account, 0 the best; None: it must not be used. What is too old is not known."""
        its = self._told["accounts"].get(account, {})
        if its.get("usable") is False or its.get("withheld"):
            return None
        if not its.get("usable") or min(its["until"], self._told["until"]) < datetime.now(UTC):
            return 2
        return 1 if its.get("suspected") or its.get("caution") else 0


def _understood(document):
    """Return what a document tells. Raises where it is not ours."""
    accounts = {
        id: {**its, "until": its["usable"] and _moment(its["valid_until"])} for id, its in document["accounts"].items()
    }
    return {"accounts": accounts, "until": _moment(document["valid_until"])}


def _moment(text):
    return datetime.fromisoformat(text).astimezone(UTC)


class Source:
    """A file, or an http address, that is read only when it has changed."""

    def __init__(self, where):
        self._where, self._is_web = where, where.startswith(("http://", "https://"))
        self._seen, self._asked_at = None, float("-inf")

    async def newer(self):
        """Return the document if it is newer than at the last call; None: it is not, or cannot be read."""
        try:
            document = await self._read()
            return document and _understood(document)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    async def _read(self):
        if not self._is_web:
            return self._read_file()
        if time.monotonic() - self._asked_at < READ_EVERY_S:
            return None
        self._asked_at = time.monotonic()
        return await asyncio.to_thread(self._read_web)

    def _read_file(self):
        path = Path(self._where)
        seen = path.stat().st_mtime_ns
        document = None if seen == self._seen else json.loads(path.read_bytes())
        self._seen = seen
        return document

    def _read_web(self):
        headers = {"If-None-Match": self._seen} if self._seen else {}
        try:
            with urlopen(Request(self._where, headers=headers), timeout=10) as answer:
                document, self._seen = json.load(answer), answer.headers.get("ETag")
                return document
        except HTTPError as error:
            with error:
                if error.code == 304:  # as before
                    return None
                raise
