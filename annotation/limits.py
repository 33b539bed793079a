"""How much a model may be asked a minute, by all workers together: one small record per model in Redis, changed by one script.

Requests and tokens each follow the generic cell rate algorithm (a leaky bucket as one time stamp, the moment up to which the
limit is used): a call is let through if that moment is at most a short tolerance ahead, and moves it on by its share. With

    share = (60 + SLACK + tolerance) / (limit - 1) seconds

no window of 60 seconds holds more than `limit` calls, even where Redis was wiped in it: a record that is not there starts with
an empty bucket, as if its tolerance had just been used up. SLACK is for calls that travel at different speeds.

A provider that says Retry-After is left alone by everybody until then. One that says 429 without a limit being known gets a rate of
its own: a tenth less than what was just sent, and a twentieth more every ten seconds without another.

Without Redis nothing is let through: calls wait, and no limit is broken.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from functools import lru_cache

import redis
from django.conf import settings
from django.db import connection

from .models import RateLimit

log = logging.getLogger(__name__)

KEY = "zhumo:limit:{database}:{provider}:{model}"  # two installations may share one Redis
REMEMBERED = 5.0  # seconds for which a limit, as an admin set it, is taken as known
AWAY = 2.0  # seconds to wait while Redis is away
PATIENCE = 0.5  # seconds for Redis to answer

# KEYS: the record. ARGV: requests and tokens a minute (0: no limit), then the tokens of each call that wants to go.
# Gives how many may go, and after how many milliseconds the next one may.
GRANT = """
local now = redis.call('TIME'); now = now[1] + now[2] / 1000000
local WINDOW, SLACK, BURST, TOKEN_BURST = 60, 1, 1, 3
local rpm, tpm = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'requests', 'tokens', 'hold', 'rate', 'rate_at', 'minute', 'sent', 'before')
local hold = tonumber(kept[3]) or 0
if hold > now then return {0, math.ceil((hold - now) * 1000)} end

local rate, rate_at = tonumber(kept[4]), tonumber(kept[5]) or now
if rate and now - rate_at > 10 then
    rate = rate * 1.05 ^ math.floor((now - rate_at) / 10); rate_at = now
    if (rpm > 0 and rate >= rpm) or rate > 1000000 then rate = nil end
end
local per_minute = rpm > 0 and rpm or nil
if rate then per_minute = math.min(rate, per_minute or rate) end

local share, token_share, free_at, tokens_at
if per_minute then
    share = (WINDOW + SLACK + BURST) / math.max(1, per_minute - 1)
    free_at = math.min(tonumber(kept[1]) or (now + BURST), now + BURST + WINDOW)
end
if tpm > 0 then
    local biggest = 0
    for n = 3, #ARGV do biggest = math.max(biggest, math.min(tonumber(ARGV[n]), tpm / 2)) end
    token_share = math.max((WINDOW + SLACK + TOKEN_BURST) / tpm, (WINDOW + SLACK) / (tpm - biggest))
    tokens_at = math.min(tonumber(kept[2]) or (now + TOKEN_BURST), now + TOKEN_BURST + 2 * WINDOW)
end

local granted, wait = 0, 0
for n = 3, #ARGV do
    if share and free_at > now + BURST then wait = free_at - now - BURST; break end
    if token_share then
        local cost = math.min(tonumber(ARGV[n]), tpm) * token_share
        local from = math.max(tokens_at, now)
        local room = math.max(TOKEN_BURST, cost)
        if from + cost > now + room then wait = from + cost - now - room; break end
        tokens_at = from + cost
    end
    if share then free_at = math.max(free_at, now) + share end
    granted = granted + 1
end

local minute = math.floor(now / 60)
local sent, before = tonumber(kept[7]) or 0, tonumber(kept[8]) or 0
local at = tonumber(kept[6]) or minute
if at ~= minute then before = (at == minute - 1) and sent or 0; sent = 0 end
redis.call('HSET', KEYS[1], 'minute', minute, 'sent', sent + granted, 'before', before)
if share then redis.call('HSET', KEYS[1], 'requests', string.format('%.6f', free_at)) end
if token_share then redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens_at)) end
if rate then redis.call('HSET', KEYS[1], 'rate', rate, 'rate_at', rate_at) else redis.call('HDEL', KEYS[1], 'rate', 'rate_at') end
redis.call('EXPIRE', KEYS[1], 7200)
return {granted, math.ceil(wait * 1000)}
"""
# KEYS: the record. ARGV: seconds to leave the provider alone (empty: it did not say).
HOLD = """
local now = redis.call('TIME'); now = now[1] + now[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'hold', 'rate', 'rate_at', 'minute', 'sent', 'before')
local after = tonumber(ARGV[1])
if after and now + after > (tonumber(kept[1]) or 0) then redis.call('HSET', KEYS[1], 'hold', string.format('%.6f', now + after)) end
local rate, rate_at = tonumber(kept[2]), tonumber(kept[3]) or 0
if now - rate_at >= 10 then
    local into = now / 60 - math.floor(now / 60)
    local seen = (tonumber(kept[5]) or 0) + (tonumber(kept[6]) or 0) * (1 - into)
    rate = math.max(60, 0.9 * math.min(rate or seen, math.max(seen, 60)))
    redis.call('HSET', KEYS[1], 'rate', rate, 'rate_at', now)
end
redis.call('EXPIRE', KEYS[1], 7200)
return 0
"""
# KEYS: the record. ARGV: tokens a minute, tokens that were set aside and not used.
REFUND = """
local at = tonumber(redis.call('HGET', KEYS[1], 'tokens'))
if at then redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', at - tonumber(ARGV[2]) * 64 / tonumber(ARGV[1]))) end
return 0
"""

_known: dict[tuple[str, str], tuple[float, int, int]] = {}
_door = threading.Lock()


def grant(provider: str, model: str, weights: Sequence[int]) -> tuple[int, float]:
    """How many of these calls (each with the tokens that it can take at most) may go now, in their order; and if not all, in
    how many seconds the next one may. Without Redis none may."""
    requests, tokens = limits_of(provider, model)
    try:
        granted, wait = _scripts()[0](keys=[_key(provider, model)], args=[requests, tokens, *weights])
    except redis.RedisError as error:
        log.warning("no limits without Redis, so nothing is sent to %s: %s", model, error)
        return 0, AWAY
    return int(granted), wait / 1000


def hold(provider: str, model: str, after: float | None) -> None:
    """The provider said 429: everybody leaves it alone for `after` seconds, and is slower from then on."""
    try:
        _scripts()[1](keys=[_key(provider, model)], args=["" if after is None else after])
    except redis.RedisError as error:
        log.warning("Redis did not take a hold on %s: %s", model, error)  # while it is away nothing is sent anyway


def refund(provider: str, model: str, tokens: int) -> None:
    """Tokens that were counted against the limit in advance, and were not used."""
    _requests, most = limits_of(provider, model)
    if most and tokens > 0:
        try:
            _scripts()[2](keys=[_key(provider, model)], args=[most, tokens])
        except redis.RedisError:
            return  # the limit is kept all the same: it counts too much


def limits_of(provider: str, model: str) -> tuple[int, int]:
    """(requests, tokens) a minute; 0: none is set. Known for a few seconds."""
    with _door:
        until, requests, tokens = _known.get((provider, model), (0.0, 0, 0))
        if time.monotonic() > until:
            row = RateLimit.objects.filter(provider=provider, model=model).first()
            requests, tokens = (row.requests_per_minute or 0, row.tokens_per_minute or 0) if row else (0, 0)
            _known[provider, model] = (time.monotonic() + REMEMBERED, requests, tokens)
    return requests, tokens


def forget() -> None:
    """Begin anew: what was used, held and learned, and the limits as they were read."""
    with _door:
        _known.clear()
    client = _client()
    for key in client.scan_iter(KEY.format(database=connection.settings_dict["NAME"], provider="*", model="*")):
        client.delete(key)


def _key(provider: str, model: str) -> str:
    return KEY.format(database=connection.settings_dict["NAME"], provider=provider, model=model)


@lru_cache(maxsize=1)
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


@lru_cache(maxsize=1)
def _scripts() -> tuple[redis.commands.core.Script, ...]:
    return tuple(_client().register_script(text) for text in (GRANT, HOLD, REFUND))
