"""`make run`, as its users meet it."""

import os
import signal
import socket
import urllib.error
import urllib.request

import pytest

from tests.house import House, wait_for

pytestmark = pytest.mark.processes


def gone(house: House) -> bool:
    return not house.pids()


def test_it_starts_says_how_to_sign_in_once_and_ends_in_order_on_ctrl_c(house):
    house.start()
    assert urllib.request.urlopen(house.url + "/readyz").status == 200
    assert house.sql("SELECT username, role FROM accounts_user") == [("admin", "admin")]
    house.stop()
    assert "Stopped." in house.text()
    wait_for(lambda: gone(house), 10)

    house.start()
    assert house.password not in house.text(), "a password is shown once"


def test_after_kill_9_of_the_parent_no_process_is_left_and_nothing_is_lost(house):
    house.start()
    house.manage("create_user", "kept", "--role", "lead")
    os.kill(house.process.pid, signal.SIGKILL)
    wait_for(lambda: gone(house), 10)
    house.start()
    assert house.one("SELECT role FROM accounts_user WHERE username = 'kept'") == "lead"


def test_after_kill_9_of_make_no_process_is_left(house):
    house.start(["make", "-s", "run"])
    os.kill(house.process.pid, signal.SIGKILL)
    wait_for(lambda: gone(house), 20)


def test_a_port_that_is_taken_is_said_and_the_next_one_used(house):
    taken = int(house.environment["PORT"])
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        house.start()
    assert f"Port {taken} is taken" in house.text()
    assert not house.url.endswith(f":{taken}")


def test_it_runs_without_a_locale_and_under_a_path_of_150_characters(tmp_path):
    var = tmp_path / ("长" * 10 + " " + "x" * 120) / "var"
    house = House(var, CQIA_DEMO="0", LANG="", LC_ALL="")
    var.parent.mkdir()
    try:
        house.start()
        assert urllib.request.urlopen(house.url + "/readyz").status == 200
    finally:
        house.stop()
    wait_for(lambda: gone(house), 10)


def test_a_process_that_dies_is_started_again(house):
    house.start()
    for part in ("-Q work", "-Q draft", "celery -A cqia beat", "gunicorn"):
        assert house.kill(part), part

    def ready() -> bool:
        try:
            return urllib.request.urlopen(house.url + "/readyz", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False

    wait_for(ready, 40)
    wait_for(
        lambda: all(any(part in command for command in house.pids().values()) for part in ("-Q work", "-Q draft", "beat", "gunicorn")), 40
    )


def test_a_second_one_in_the_same_place_is_told_where_the_first_is(house):
    house.start()
    second = house.manage("run", ok=False)
    assert second.returncode
    assert house.url in second.stderr
