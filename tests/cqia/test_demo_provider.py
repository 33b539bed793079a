"""The demo's model provider, over HTTP, asked as the product asks and as it should not be asked."""

import http.client
import json
import threading

import openai
import pytest

from annotation import prompting
from cqia import demo_provider

WRITTEN = json.loads(demo_provider.REPLIES.read_text("utf-8"))
TITLE = "领导让我把方案再打磨打磨，我用多少目的砂纸合适？"


@pytest.fixture
def server():
    server = demo_provider.serve(delay=0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def client(server):
    with openai.OpenAI(api_key="any", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0) as client:
        yield client


def messages(instruction: str, hint: str = "", note: str = "") -> list:
    return prompting.messages(
        house_rules="规则", source_rules="", instruction=instruction, input="", hint=hint, note=note, marker="f3a9c1d2"
    )  # fmt: skip


def ask(client, instruction: str, **more: str) -> str:
    done = client.chat.completions.create(model="demo", messages=messages(instruction, **more))
    return done.choices[0].message.content


def send(server, method: str, path: str, body: bytes = b"", token: str = "any", **headers: str) -> tuple[int, bytes]:  # noqa: S107
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, body, {**({"Authorization": f"Bearer {token}"} if token else {}), **headers})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_every_written_reply_comes_back_for_its_post(client):
    assert {title: ask(client, title) for title in WRITTEN} == WRITTEN


def test_a_post_is_found_whatever_happened_to_its_quotes_width_and_spacing(client):
    changed = TITLE.replace("，", ",").replace("？", " ?") + "\n补充：急"
    assert ask(client, changed) == WRITTEN[TITLE]


def test_a_post_is_found_in_escaped_json_and_in_a_bare_message(client):
    for content in (json.dumps({"instruction": TITLE}), TITLE, [{"type": "text", "text": TITLE}]):
        done = client.chat.completions.create(model="demo", messages=[{"role": "user", "content": content}])
        assert done.choices[0].message.content == WRITTEN[TITLE]


def test_a_hint_of_the_editor_is_not_taken_for_the_post(client):
    assert ask(client, TITLE, hint="问的是“打磨”一词的两个意思") == WRITTEN[TITLE]
    assert "演示回复" in ask(client, "别的帖子，不在演示里", hint=TITLE)


def test_anything_else_is_told_that_no_model_stands_behind_the_reply(client):
    text = ask(client, "我把月亮的灯泡换成节能的，电费归谁？")
    assert text.startswith("【演示回复】")
    assert "`OPENAI_API_KEY`" in text
    assert "`OPENAI_MODEL`" in text
    assert "我把月亮的灯泡换成节能的" in text


@pytest.mark.parametrize(
    "instruction", ["我把月亮的灯泡换成节能的，电费归谁？", "Why is the sky blue, and who pays for it?", "```\n”“{}<script>", TITLE]
)
def test_what_it_says_passes_for_a_draft(client, instruction):
    raw = client.chat.completions.create(model="demo", messages=messages(instruction)).model_dump()
    assert prompting.judge(raw, instruction=instruction, marker="f3a9c1d2")[0] == "ok"


def test_a_wish_for_a_rewrite_is_answered_with_what_it_cannot_do(client):
    text = ask(client, TITLE, note="再短一点")
    assert text.startswith("【演示回复】")
    assert text.endswith(WRITTEN[TITLE])


def test_the_reply_is_that_of_the_model_demo_with_usage_and_an_id_of_its_own(client):
    one, two = (client.chat.completions.create(model="gpt-whatever", messages=messages(TITLE)) for _ in range(2))
    assert one.model == "demo"
    assert one.choices[0].finish_reason == "stop"
    assert one.usage.completion_tokens == len(WRITTEN[TITLE])
    assert one.usage.total_tokens == one.usage.prompt_tokens + one.usage.completion_tokens
    assert one.id != two.id


def test_it_knows_one_model(client):
    assert [model.id for model in client.models.list()] == ["demo"]


def test_it_wants_a_token_and_takes_any(server):
    assert send(server, "GET", "/v1/models", token="")[0] == 401
    assert send(server, "GET", "/v1/models", token="x")[0] == 200


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"messages": "no"}', b'{"messages": []}', b'{"messages": [1]}', b"[" * 100_000,
     b'{"messages": [{"role": "user", "content": "x"}], "stream": true}'],
)  # fmt: skip
def test_a_bad_body_is_refused_and_the_next_one_answered(server, body):
    status, said = send(server, "POST", "/v1/chat/completions", body)
    assert status == 400
    assert json.loads(said)["error"]["message"]
    assert send(server, "GET", "/v1/models")[0] == 200


def test_odd_messages_do_no_harm(server):
    odd = {"messages": [{"role": "user", "content": {"a": 1}}, {"role": 7}, {"role": "user", "content": [None, 3, {"text": None}]}]}
    status, said = send(server, "POST", "/v1/chat/completions", json.dumps(odd).encode())
    assert status == 200
    assert "演示回复" in json.loads(said)["choices"][0]["message"]["content"]
    lone = b'{"messages": [{"role": "user", "content": "\\ud800 \\u202e"}]}'
    assert send(server, "POST", "/v1/chat/completions", lone)[0] == 200


def test_a_huge_body_is_refused_with_413(server):
    assert send(server, "POST", "/v1/chat/completions", b"x" * (demo_provider.MAX_BODY + 1))[0] == 413


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", ""])
def test_a_length_that_is_no_number_reads_nothing(server, length):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest("POST", "/v1/chat/completions")
    connection.putheader("Authorization", "Bearer x")
    connection.putheader("Content-Length", length)
    connection.endheaders()
    assert connection.getresponse().status == (411 if length else 400)
    connection.close()


def test_unknown_paths_and_methods_are_refused(server):
    assert send(server, "GET", "/v1/chat/completions")[0] == 405
    assert send(server, "POST", "/v1/embeddings", b"{}")[0] == 404


def test_a_connection_serves_many_requests_a_refused_one_among_them(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    headers = {"Authorization": "Bearer x"}
    asked = json.dumps({"messages": messages(TITLE)}).encode()
    statuses, sockets = [], []
    for path, body in (("/v1/chat/completions", asked), ("/v1/nothing", b"{bad"), ("/v1/chat/completions", asked)):
        connection.request("POST", path, body, headers)
        sockets.append(connection.sock)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    assert statuses == [200, 404, 200]
    assert all(sock is sockets[0] for sock in sockets)


def test_it_listens_on_loopback_alone_and_says_nothing(server, client, capfd):
    assert server.server_address[0] == "127.0.0.1"
    ask(client, TITLE)
    send(server, "POST", "/v1/chat/completions", b"{")
    assert capfd.readouterr() == ("", "")
