"""Lots are drawn by hash, so that everybody draws the same ones: SQL over the post o of the source s."""

# 32 bits of a draw for the post called {name}; as a number from 0 to 1.
DRAW = "('x' || substr(md5(%(seed)s || ':' || {name}), 1, 8))::bit(32)::bigint / 4294967296.0::float8"
DRAWN = DRAW.format(name="s.slug || ':' || o.external_id")  # which split the post o of the source s comes to, if it stands alone
