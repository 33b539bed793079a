"""Which decided pairs a recipe takes at one position of the log, and which it leaves out and why. All of it in SQL, into a
temporary table that lives as long as the connection that builds the version.

    pick: pair, source, post, review, draft, verdict, kept (or rejected), fate ('' or why it is left out), answer_from ('' : to be judged),
        told (a record says something of the post's raw row), draw
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from annotation.folding import fold
from annotation.models import DEMO_MODEL, Pair, Review

from .lots import DRAWN
from .models import Dataset
from .recipes import Recipe, parse
from .records import ABOUT, METADATA

PATIENCE = "2s"  # for reviews under way; as long as they run, new ones wait behind us
CHUNK = 1_000

JOINED = """
    FROM annotation_pair p JOIN annotation_review r ON {by} JOIN sources_source s ON s.id = p.source_id
    JOIN sources_post o ON o.id = p.post_id LEFT JOIN annotation_draft d ON d.id = r.draft_id
    LEFT JOIN datasets_takedown t ON t.post_id = o.id {more}
    WHERE r.verdict IN ('accept', 'edit', 'reject') AND (%(sources)s::text[] = '{{}}' OR s.slug = ANY(%(sources)s))
"""
NOW = JOINED.replace("{by}", "r.id = p.decision_id") + " AND p.status IN ('accepted', 'rejected')"
# Of the pairs somebody has decided on since, the log up to the position tells what they were.
UNTOUCHED = " AND p.id NOT IN (SELECT pair_id FROM annotation_review WHERE id > %(position)s)"
FOLDED = JOINED.replace("{by}", "r.pair_id = p.id") + " AND r.id = ANY(%(reviews)s)"
# (A draft that was accepted is the answer, to the byte; comparing the two here would carry all texts through the joins.)
COLUMNS = """
    SELECT p.id AS pair, p.source_id AS source, p.post_id AS post, r.id AS review, r.draft_id AS draft, r.verdict,
    r.verdict <> 'reject' AS kept,
    {fate} AS fate,
    CASE WHEN d.call_id IS NOT NULL THEN CASE WHEN r.verdict = 'accept' THEN 'llm' ELSE '' END
         WHEN d.id IS NULL AND EXISTS (SELECT FROM annotation_draft x WHERE x.pair_id = p.id AND x.model <> '') THEN ''
         ELSE 'human' END AS answer_from,
    (s.platform = ANY(%(platforms)s::text[]) OR o.raw ?& %(keys)s::text[]) AS told,
    {drawn} AS draw
"""
SCORE = """(SELECT m.score FROM annotation_modelcall m WHERE m.post_id = o.id AND m.purpose = 'score' AND m.state = 'done'
    AND m.score IS NOT NULL ORDER BY m.id DESC LIMIT 1)"""
# The decisions on the pair that count, and how many of them kept the very text that was accepted.
COUNTED = """
    JOIN LATERAL (
        SELECT count(*) AS n, count(*) FILTER (
            WHERE e.verdict <> 'reject' AND (e.instruction, e.input, e.output) = (r.instruction, r.input, r.output)) AS same
        FROM annotation_review e WHERE e.pair_id = p.id AND e.id <= %(position)s AND e.verdict IN ('accept', 'edit', 'reject')
        AND NOT EXISTS (SELECT FROM annotation_review u WHERE u.undoes_id = e.id AND u.id <= %(position)s)
        AND NOT EXISTS (SELECT FROM annotation_review u
                        WHERE u.pair_id = p.id AND u.verdict = 'reopen' AND u.id > e.id AND u.id <= %(position)s
                        AND NOT EXISTS (SELECT FROM annotation_review v WHERE v.undoes_id = u.id AND v.id <= %(position)s))
    ) c ON true
"""


def recipe_of(dataset: Dataset, **changes: Any) -> Recipe:
    """All that decides what a version holds, in one piece that is copied into it. `changes` (None: none) go before the
    dataset's own. Raises BadRecipe."""
    sources = list(dataset.sources.order_by("pk").values_list("slug", flat=True))
    own = {**dataset.recipe, "sources": sources, "include_demo": dataset.include_demo}
    return parse(own | {key: value for key, value in changes.items() if value is not None})


def settled_position() -> int:
    """The last review, at a moment when none is being written: the log up to there will never change.

    A review's number is drawn before it is committed, so the greatest one seen says nothing about those below it. The lock
    waits for the reviews under way and holds new ones back while we look, which takes no time.
    Raises OperationalError when reviews under way do not end in time; the job comes back by itself.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = %s", [PATIENCE])
        cursor.execute("LOCK TABLE annotation_review IN SHARE MODE")
        return Review.objects.aggregate(last=Max("pk"))["last"] or 0


def pick(recipe: Recipe, position: int) -> None:
    """Fill `pick` with every pair that was accepted or rejected at this position of the log."""
    columns, joined, values = _query(recipe)
    values["position"] = position
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pick")
        cursor.execute(f"CREATE TEMP TABLE pick AS {columns} {NOW.format(more=joined)} {UNTOUCHED} ORDER BY p.id", values)  # as it is read
        cursor.execute("CREATE UNIQUE INDEX ON pick (pair)")
        for reviews in _decided_then(position):
            insert = f"INSERT INTO pick {columns} {FOLDED.format(more=joined)} ON CONFLICT (pair) DO NOTHING"
            cursor.execute(insert, values | {"reviews": reviews})
        cursor.execute("ANALYZE pick")


def _decided_then(position: int) -> Any:
    """The reviews that had decided the pairs which have changed since, in portions."""
    touched = list(Review.objects.filter(pk__gt=position).order_by("pair").values_list("pair", flat=True).distinct())
    for start in range(0, len(touched), CHUNK):
        logs: dict[int, list[Review]] = {}
        for review in Review.objects.filter(pair__in=touched[start : start + CHUNK], pk__lte=position):
            logs.setdefault(review.pair_id, []).append(review)
        outcomes = (fold(logs[pair.pk], pair) for pair in Pair.objects.filter(pk__in=logs))
        if decided := [outcome.decision.pk for outcome in outcomes if outcome.decision]:
            yield decided


def left_out() -> dict[str, int]:
    """Reason -> accepted pairs in `pick` that the recipe leaves out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT fate, count(*) FROM pick WHERE kept AND fate <> '' GROUP BY fate ORDER BY fate")
        return dict(cursor.fetchall())


def preview(recipe: Recipe) -> dict[str, int]:
    """How many pairs a version made now would take (under "") or leave out, by reason. A recipe that asks who answered is
    not asked that here: it takes reading the texts."""
    with connection.cursor() as cursor:
        return _counted(recipe, cursor)


def preview_within(seconds: float, recipe: Recipe) -> dict[str, int] | None:
    """The same, unless counting takes longer than that."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
            found = _counted(recipe, cursor)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")  # for whoever called within a transaction
            return found
    except OperationalError:
        return None


def _counted(recipe: Recipe, cursor: Any) -> dict[str, int]:
    columns, joined, values = _query(recipe)
    values["position"] = 2**62
    asked = f"SELECT source, fate, count(*) FROM ({columns} {NOW.format(more=joined)}) AS x WHERE kept GROUP BY source, fate"
    cursor.execute("SELECT id, slug FROM sources_source")
    slugs = dict(cursor.fetchall())
    cursor.execute(asked, values)
    found = Counter[str]()
    for source, fate, n in cursor.fetchall():
        share = recipe.mixture.get(slugs[source]) if not fate else None
        taken = min(n, share.take) if share and share.take is not None else n
        found[fate] += taken
        found["share"] += n - taken
    return {fate: n for fate, n in sorted(found.items()) if n}


def _query(recipe: Recipe) -> tuple[str, str, dict[str, Any]]:
    """The columns, the further joins, and the values of the query for `recipe`."""
    values: dict[str, Any] = {"sources": list(recipe.sources), "demo": DEMO_MODEL, "platforms": list(METADATA), "keys": list(ABOUT)}
    whys = [f"WHEN {test} THEN '{fate}'" for fate, test in _tests(recipe, values).items()]
    fate = f"CASE {' '.join(whys)} ELSE '' END"
    counted = recipe.min_agreement is not None or recipe.min_reviews is not None
    values["seed"] = str(recipe.seed)
    return COLUMNS.format(fate=fate, drawn=DRAWN), COUNTED if counted else "", values


def _tests(recipe: Recipe, values: dict[str, Any]) -> dict[str, str]:
    """Why a pair is left out, in the order in which they are asked: reason -> SQL. What they compare with goes to `values`."""
    tests = {"takedown": "t.id IS NOT NULL"}
    if not recipe.include_demo:
        tests["demo"] = (
            "d.model = %(demo)s OR (d.id IS NULL AND EXISTS (SELECT FROM annotation_draft x WHERE x.pair_id = p.id AND x.model = %(demo)s))"
        )
    if not recipe.include_unknown_licence:
        tests["licence"] = "s.licence = ''"
    if recipe.licences:
        values["licences"] = list(recipe.licences)
        tests["licence_other"] = "s.licence <> '' AND s.licence <> ALL(%(licences)s)"
    values["verdicts"] = [*recipe.verdicts, "reject"]
    tests["verdict"] = "r.verdict <> ALL(%(verdicts)s)"
    values |= {f"slug{n}": slug for n, slug in enumerate(recipe.mixture)}
    for fate, value in (("votes", "COALESCE(o.votes, -1)"), ("score", f"COALESCE({SCORE}, 0)")):
        floors = [("true", getattr(recipe, f"min_{fate}"))]
        floors += [(f"s.slug = %(slug{n})s", getattr(share, f"min_{fate}")) for n, share in enumerate(recipe.mixture.values())]
        asked = [f"({where} AND {value} < {float(least)!r})" for where, least in floors if least is not None]
        if asked:
            tests[fate] = " OR ".join(asked)
    return tests | _by_date(recipe, values) | _by_reviews(recipe, values)


def _by_date(recipe: Recipe, values: dict[str, Any]) -> dict[str, str]:
    tests = {}
    for key, column in (("decided", "r.at"), ("posted", "o.posted_at")):
        first, last = getattr(recipe, f"{key}_from"), getattr(recipe, f"{key}_to")
        wants = []
        if first:
            values[f"{key}_from"] = _midnight(date.fromisoformat(first))
            wants.append(f"{column} >= %({key}_from)s")
        if last:
            values[f"{key}_to"] = _midnight(date.fromisoformat(last) + timedelta(days=1))
            wants.append(f"{column} < %({key}_to)s")
        if wants:
            tests["date" if key == "decided" else "posted"] = f"({' AND '.join(wants)}) IS NOT TRUE"
    return tests


def _by_reviews(recipe: Recipe, values: dict[str, Any]) -> dict[str, str]:
    """Of accepted pairs only: a rejected one has no text that people could agree on."""
    values |= {"agreement": recipe.min_agreement, "reviews_least": recipe.min_reviews}
    tests = {}
    if recipe.min_agreement is not None:
        tests["agreement"] = "r.verdict <> 'reject' AND c.same < %(agreement)s * c.n"
    if recipe.min_reviews is not None:
        tests["reviews"] = "r.verdict <> 'reject' AND c.same < %(reviews_least)s"
    return tests


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def as_recipe(said: Mapping[str, Any]) -> Recipe:
    """The recipe that a version keeps. Raises BadRecipe."""
    return parse(dict(said))
