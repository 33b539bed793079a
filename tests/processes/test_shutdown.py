"""SIGTERM, as systemd and containers send it: what is under way is finished, and the rest goes on elsewhere."""

import json
import os
import signal
import socket
import time
import urllib.parse

import pytest

from tests.house import House, wait_for
from tests.processes.test_main_job import START_IMPORT, annual, counts

pytestmark = pytest.mark.processes


def process(house: House, part: str) -> int:
    """The oldest whose command holds `part`."""
    return min(pid for pid, command in house.pids().items() if part in command and "manage.py" not in command)


def is_gone(pid: int) -> bool:
    return not os.path.exists(f"/proc/{pid}")


def test_a_worker_that_is_asked_to_end_stops_after_a_batch_and_the_next_goes_on(house: House, tmp_path):
    house.start(seconds=300)
    count = 12_000
    house.manage("shell", "-c", START_IMPORT, seconds=120, FILE=str(annual(tmp_path / "annual.json", count)))
    wait_for(lambda: counts(house)["read"] >= 1_000, 120, every=0.02)
    pid = process(house, "-Q work")
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: is_gone(pid), 60)
    read = counts(house)["read"]
    assert read < count, "it was over before it could be interrupted"
    # Nobody waits for the lease of the one that has ended: it gave its work back.
    assert house.one("SELECT lease_until <= now() + interval '1 second' OR attempts > 1 FROM sources_importrun")
    wait_for(lambda: house.one("SELECT state FROM sources_importrun") == "succeeded", 120)
    assert counts(house) == {"read": count, "created": count, "known": 0, "rejected": 0}


def test_a_web_server_that_is_asked_to_end_answers_what_it_has_begun(house: House):
    house.start(seconds=300)
    token = house.manage("create_token", "admin").stdout.strip()
    rows = "\n".join(json.dumps({"title": f"第{n}个问题，它该问谁？"}, ensure_ascii=False) for n in range(200)).encode()
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\n' + rows + b"\r\n--b--\r\n"
    head = f"POST /api/v1/sources/ruozhiba/imports/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
    head += f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(house.url).port), timeout=60) as line:
        line.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(1)
        master = process(house, "gunicorn")
        os.kill(master, signal.SIGTERM)
        time.sleep(1)
        line.sendall(body[len(body) // 2 :])
        said = line.recv(4096).decode()
    assert said.startswith("HTTP/1.1 202"), said[:200]
    wait_for(lambda: is_gone(master), 60)
    wait_for(lambda: counts(house)["read"] == 200, 120)
