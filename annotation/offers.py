"""Which models the providers say they have, and what hinders one that does not say: asked when somebody looks, kept for a minute."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass

from django.core.cache import cache
from django.utils.translation import gettext as _

from . import llm, providers
from .draft_progress import failure_text
from .refusals import Refused

PATIENCE = 9.0  # seconds for all providers together: somebody waits for the page
KEPT, KEPT_ERROR = 60, 10  # seconds
# These are sure to hinder every call. Others (no such list, a hiccup) say nothing about whether a model answers.
HINDERS = ("no_key", "bad_key", "forbidden", "unreachable", "bad_settings")


@dataclass(frozen=True)
class Offer:
    """What one provider said. `error` is a code of `draft_progress.failure_text`; empty: `models` are what it has."""

    provider: providers.Provider
    models: tuple[str, ...] = ()
    error: str = ""
    detail: str = ""

    @property
    def hinders(self) -> bool:
        return self.error in HINDERS


def offers(names: Iterable[str] | None = None, *, fresh: bool = False) -> list[Offer]:
    """Of all providers, or of the named ones, in their order, within PATIENCE. `fresh` asks although it is known."""
    wanted = [provider for provider in providers.every() if names is None or provider.name in set(names)]
    found = {} if fresh else {provider.name: cache.get(_key(provider)) for provider in wanted}
    missing = [provider for provider in wanted if not found.get(provider.name)]
    if missing:
        found |= _ask_all(missing)
    return [found[provider.name] for provider in wanted]


def check_offered(refs: Iterable[str]) -> None:
    """Raises Refused when a provider of these models cannot be used, or says that it does not have one of them."""
    named = [providers.split(ref) for ref in refs]
    said = {offer.provider.name: offer for offer in offers({provider for provider, _model in named})}
    for provider, model in named:
        offer = said.get(provider)
        if offer is not None and offer.hinders:
            cannot = _("%(provider)s cannot be used now.") % {"provider": offer.provider.label}
            raise Refused(offer.error, f"{cannot} {failure_text(offer.error)}")
        if offer is not None and not offer.error and model not in offer.models:
            names = {"provider": offer.provider.label, "model": model}
            raise Refused("model_not_offered", _("%(provider)s does not list the model %(model)s. Choose one that it has.") % names)


def _ask_all(missing: list[providers.Provider]) -> dict[str, Offer]:
    until = time.monotonic() + PATIENCE
    pool = ThreadPoolExecutor(len(missing), thread_name_prefix="offers")
    asked = {provider.name: pool.submit(_ask, provider) for provider in missing}
    wait(asked.values(), timeout=until - time.monotonic())
    pool.shutdown(wait=False)
    found = {}
    for provider in missing:
        future = asked[provider.name]
        offer = future.result() if future.done() else Offer(provider, error="unreachable", detail=f"> {PATIENCE:.0f} s")
        cache.set(_key(provider), offer, KEPT_ERROR if offer.error else KEPT)
        found[provider.name] = offer
    return found


def _ask(provider: providers.Provider) -> Offer:
    try:
        return Offer(provider, tuple(llm.list_models(provider.name)))
    except llm.ProviderError as error:
        return Offer(provider, error=error.code, detail=error.detail)


def _key(provider: providers.Provider) -> str:
    """Another address or key is another provider; the key itself is in no cache."""
    return "offer:" + hashlib.sha256(f"{provider.name}\n{provider.base_url}\n{provider.key}".encode()).hexdigest()
