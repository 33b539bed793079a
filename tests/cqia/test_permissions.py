"""The matrix of role, address and method, walked; and what is not for somebody's eyes, looked for wherever they may look."""

import logging
import re
import sys
from collections import Counter
from difflib import unified_diff

import pytest
from django.test import Client

from accounts.models import User
from tests.cqia import walking
from tests.cqia.matrix import QUERIES, ROWS
from tests.cqia.world import World, make_world

ORDER = walking.ROLES[2:]  # each may do what those before it may
SITE = "/admin/"
OPEN_IN_SITE = {"/admin/login/", "/admin/logout/"}
ROUTES = sorted({"/" + route for route in walking.routes()})
OURS = [route for route in ROUTES if not route.startswith(SITE)]


def test_every_address_has_its_row_and_every_row_its_address():
    assert set(OURS) - set(ROWS) == set(), "new addresses: say in tests/cqia/matrix.py who may use them"
    assert set(ROWS) - set(OURS) == set()


@pytest.fixture
def files(settings, tmp_path):
    settings.DATASET_FILES, settings.UPLOADS = tmp_path / "datasets", tmp_path / "uploads"
    settings.UPLOADS.mkdir()
    settings.OIDC_ISSUER = "http://127.0.0.1:9"  # nobody is there


@pytest.fixture(autouse=True)
def silence():
    """Thousands of refusals are what is wanted here: no line for each."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def people(admin, lead, reviewer, viewer, make_user) -> dict[str, User]:
    User.objects.filter(role="admin").update(is_staff=True, is_superuser=True)
    return {person.role: person for person in (admin, lead, reviewer, viewer)} | {"disabled": make_user("admin", "gone")}


@pytest.fixture
def clients(people) -> dict[str, Client]:
    found = {role: Client(raise_request_exception=False) for role in walking.ROLES}
    for role, person in people.items():
        found[role].force_login(person)
    User.objects.filter(pk=people["disabled"].pk).update(is_active=False)
    return found


def address(world: World, route: str) -> str:
    query = "&".join(f"{name}={value.format(prompt=world.things['prompts', 'pk'])}" for name, value in QUERIES.get(route, {}).items())
    return world.address(route) + (f"?{query}" if query else "")


def allowed(route: str, method: str, role: str) -> set[str]:
    """What may come of it."""
    row, strange = ROWS[route], role in ("anonymous", "disabled")
    least = row.get(method, "").rstrip("*")
    if not least:
        return {"no such method"} if "anyone" in row.values() else {"no such method", "sign in" if strange else "refused"}
    if least == "anyone":
        return {"in"}
    if strange or ORDER.index(role) < ORDER.index(least):
        return {"sign in" if strange else "refused"}
    return {"in", "absent"} if row[method].endswith("*") else {"in"}


@pytest.mark.processes
@pytest.mark.django_db
def test_every_role_gets_what_the_matrix_says_at_every_address_by_every_method(files, people, clients):
    world = make_world("seen", admin=people["admin"], reviewer=people["reviewer"], word="明")
    wrong, asked, own = [], 0, Counter()
    for route in OURS:
        for method in walking.METHODS:
            for role, client in clients.items():
                said = walking.outcome(walking.ask(client, method, address(world, route)))
                asked += 1
                own[route, method] += said == "in"
                if said not in allowed(route, method, role) and route != "/readyz":
                    wrong.append(f"{method} {route} as {role}: {said}")
    assert wrong == []
    assert asked >= 2_000
    sys.stdout.write(f"{asked} requests at {len(OURS)} addresses are as the matrix says\n")
    starred = [(route, method) for route, row in ROWS.items() for method, least in row.items() if least.endswith("*")]
    assert [place for place in starred if not own[place]] == [], "somebody's own, and nobody's"


@pytest.mark.processes
@pytest.mark.django_db
def test_the_admin_site_is_for_admins(people, clients):
    """Every address of it; things by a number that is nobody's."""
    for route in (route for route in ROUTES if route.startswith(SITE) and route not in OPEN_IN_SITE):
        place = re.sub(r"\(\?P.*|<\w+>", "1", route)
        for method in ("GET", "POST", "DELETE"):
            for role, client in clients.items():
                said = walking.outcome(walking.ask(client, method, place))
                assert said != "broken", (method, place, role)
                assert (said != "in") or role == "admin", (method, place, role)


# --- what is hidden stays hidden ---------------------------------------------------------------------------------------
HIDDEN = "暗渠里的水"
SEARCHES = [
    f"{place}{'&' if '?' in place else '?'}{name}={HIDDEN}"
    for place in ("/api/v1/pairs/", "/api/v1/posts/", "/review/items/", "/review/find/", "/api/v1/model-calls/?state=unknown")
    for name in ("search", "q", "text", "source")
]
# Not the same twice: figures of the whole house, for this machine; a new secret; the next item, with the time that is left for it.
NEVER_TWICE = {"/metrics", "/accounts/me/factor/", "/accounts/me/factor/picture.svg", "/review/", "/review/items/<pk>/redraft/"}
PASSING = re.compile(r'\d{4}-\d\d-\d\dT[\d:.+Z]+|name="csrfmiddlewaretoken" value="\w+"|"request_id": ?"[\w-]+"|[0-9a-f]{8}-[0-9a-f-]{27}')


@pytest.fixture
def secluded(files, people, make_user):
    """A function that makes the hidden world: of a source for another reviewer, of a dataset for another reader."""

    def make() -> World:
        other = make_user("reviewer", "someone-else")
        world = make_world("hidden", admin=people["admin"], reviewer=other, word=HIDDEN, mentioned=people["reviewer"])
        world.source.reviewers.add(other)
        world.source.datasets.get().readers.add(other)
        return world

    return make


def seen_by(client: Client, places: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for place in places:
        response = walking.ask(client, "GET", place)
        body = b"".join(response.streaming_content) if response.streaming else response.content
        found[place] = response.status_code, PASSING.sub("", body.decode())
    return found


@pytest.mark.processes
@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_what_is_hidden_changes_nothing_that_others_see(secluded, people, clients, role):
    """No list, count, search, nested answer, file, history: each is, letter by letter, what it was before there was anything to hide."""
    world = make_world("seen", admin=people["admin"], reviewer=people["reviewer"], word="明")
    places = [address(world, route) for route in OURS if "GET" in ROWS[route] and route not in NEVER_TWICE] + SEARCHES
    before = seen_by(clients[role], places)
    secluded()
    after = seen_by(clients[role], places)
    changed = {place: list(unified_diff(before[place][1].split("\n"), after[place][1].split("\n"), n=0, lineterm="")) for place in places}
    assert {place: lines[2:8] for place, lines in changed.items() if lines} == {}
    others = seen_by(clients[role], [address(world, route) for route in NEVER_TWICE])
    assert [place for place, (_, body) in others.items() if HIDDEN in body] == []


@pytest.mark.processes
@pytest.mark.django_db
@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_what_is_hidden_does_not_exist_by_its_number_either(secluded, clients, role):
    """By any method the answer is, letter by letter, that for a number which nobody has."""
    world, named = secluded(), ("accounts", "lists", "prompts")  # of no source
    wrong = []
    for route in (route for route in OURS if "<" in route and not any(f"/{name}/" in route for name in named)):
        for method in walking.METHODS:
            hidden, nobodys = (told(clients[role], method, place) for place in (world.address(route), world.nowhere(route)))
            if hidden != nobodys or HIDDEN in hidden[1]:
                wrong.append(f"{method} {route}: {hidden[0]}, not {nobodys[0]}")
    assert "\n".join(wrong) == ""


def told(client: Client, method: str, place: str) -> tuple[int, str]:
    """The answer, without the address itself."""
    response = walking.ask(client, method, place)
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return response.status_code, PASSING.sub("", body.decode()).replace(place, "")


@pytest.mark.processes
@pytest.mark.django_db
def test_the_same_is_there_for_those_who_may_see_it(secluded, people, clients):
    """So that the two tests above are not content with an empty house."""
    world = secluded()
    for role in ("lead", "admin"):
        seen = seen_by(clients[role], [address(world, "/api/v1/pairs/<pk>/"), "/api/v1/pairs/", "/datasets/", *SEARCHES[:1]])
        assert all(HIDDEN in body for _, body in seen.values()), role
