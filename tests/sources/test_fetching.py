"""The fetcher among strangers: what it brings, what it refuses, and that nobody inside is ever called."""

import contextlib
import gzip
import re
import socket
import subprocess
import time
import zlib
from functools import cache
from itertools import repeat
from pathlib import Path

import pytest

from sources import addresses, fetching
from sources.fetching import Fetcher, Refused
from tests.sources.strangers import OPEN, Names, Stranger, answer, for_ever, redirect

TEXT = "保温杯里装冰水，它该保谁的温？\n".encode() * 4000
LIMIT = 1024 * 1024


@pytest.fixture
def meet():
    """A stranger who plays the open Internet, for a script."""
    met = []

    def meet(script):
        met.append(Stranger(socket.AF_INET, OPEN, script))
        return met[-1]

    yield meet
    for stranger in met:
        stranger.close()


@pytest.fixture
def canaries():
    """Services inside, on both loopbacks: they count who comes."""
    four = Stranger(socket.AF_INET, "127.0.0.1")
    there = [four, Stranger(socket.AF_INET6, "::1", port=four.port)]
    yield there
    time.sleep(0.05)  # whoever came late
    assert [canary.met for canary in there] == [0, 0]
    for canary in there:
        canary.close()


def fetcher(names=None, **limits):
    """Ours, but for two things: who resolves names, and that OPEN counts as public. Nothing else that is not, does."""
    resolve = names or Names(**{"files.example": [OPEN]})
    return Fetcher(
        **{
            "limit": LIMIT,
            "resolve": resolve,
            "is_public": lambda ip: ip == OPEN or addresses.is_public(ip),
            "seconds": 2,
            "slack": 1,
            **limits,
        }
    )


def fetch(url, **limits):
    with fetcher(**limits).open(url) as body:
        return b"".join(iter(body.read, b""))


def refusal(url, **limits):
    with pytest.raises(Refused) as refused:
        fetch(url, **limits)
    return refused.value.code


class TestWhatItBrings:
    @pytest.mark.parametrize(
        "said",
        [
            answer(TEXT, Content_Length=len(TEXT)),
            answer(TEXT),
            answer(gzip.compress(TEXT), Content_Encoding="gzip"),
            answer(gzip.compress(TEXT[:3000]) + gzip.compress(TEXT[3000:]), Content_Encoding="x-gzip"),
            answer(b"%x\r\n" % len(TEXT) + TEXT + b"\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
            b"HTTP/1.1 100 Continue\r\n\r\n" + answer(TEXT, Content_Length=len(TEXT)),
        ],
        ids=["announced", "until it hangs up", "gzip", "gzip in two parts", "chunked", "after a 100"],
    )
    def test_the_bytes_as_they_are(self, meet, said):
        assert fetch(f"http://files.example:{meet(lambda *_: said).port}/x") == TEXT

    def test_the_request_says_little_and_names_the_host(self, meet):
        there = meet(lambda *_: answer(b"x"))
        with fetcher().open(f"http://files.example:{there.port}/弱.jsonl?a=b#c") as body:
            assert (body.name, body.read(), body.read()) == ("弱.jsonl", b"x", b"")
        lines = there.asked[0].split("\r\n")
        assert lines[0] == "GET /%E5%BC%B1.jsonl?a=b HTTP/1.1"
        assert lines[1] == f"Host: files.example:{there.port}"
        assert lines[2:-2] == ["User-Agent: Zhumo", "Accept: */*", "Accept-Encoding: identity", "Connection: close"]

    def test_a_file_that_was_unpacked_on_the_way_is_no_longer_called_packed(self, meet):
        there = meet(lambda *_: answer(gzip.compress(b"x"), Content_Encoding="gzip"))
        with fetcher().open(f"http://files.example:{there.port}/a.jsonl.gz") as body:
            assert (body.name, body.read()) == ("a.jsonl", b"x")

    def test_a_file_as_large_as_may_be(self, meet):
        assert fetch(f"http://files.example:{meet(lambda *_: answer(bytes(LIMIT))).port}/x") == bytes(LIMIT)

    def test_environment_variables_name_no_proxy(self, meet, monkeypatch, canaries):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{canaries[0].port}")
        assert fetch(f"http://files.example:{meet(lambda *_: answer(b'x')).port}/x") == b"x"

    def test_the_next_address_is_tried_when_one_does_not_answer(self, meet):
        there = meet(lambda *_: answer(b"x"))
        names = Names(**{"files.example": ["127.0.0.3", OPEN]})
        ours = Fetcher(limit=LIMIT, resolve=names, is_public=lambda ip: ip in ("127.0.0.3", OPEN))
        with ours.open(f"http://files.example:{there.port}/") as body:
            assert body.read() == b"x"


# --- inside ------------------------------------------------------------------------------------------------------------
NAMES = {
    "metadata.google.internal": ["169.254.169.254"], "db.example": ["10.0.0.5"], "half.example": ["93.184.215.14", "127.0.0.1"],
    "six.example": ["::1"], "mapped.example": ["::ffff:127.0.0.1"], "nobody.example": [],
}  # fmt: skip
URLS = [
    "http://127.0.0.1:5432/", "http://127.0.0.1:{canary}/", "http://localhost:{canary}/", "http://localhost.:{canary}/", "http://0:{canary}/",
    "http://0.0.0.0:{canary}/", "http://2130706433:{canary}/", "http://0x7f.1:{canary}/", "http://0x7f000001:{canary}/",
    "http://017700000001:{canary}/", "http://0177.0.0.1:{canary}/", "http://127.1:{canary}/", "http://127.0.0.1.:{canary}/",
    "http://[::1]:{canary}/", "http://[::]:{canary}/", "http://[0:0:0:0:0:0:0:1]:{canary}/", "http://[::127.0.0.1]:{canary}/",
    "http://[::ffff:127.0.0.1]:{canary}/", "http://[::ffff:7f00:1]:{canary}/", "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]:{canary}/", "http://[2002:7f00:1::]:{canary}/", "http://[2001:0:7f00:1::]:{canary}/",
    "http://[fe80::1%25eth0]:{canary}/", "http://[fe80::1%25lo]:{canary}/", "http://[::1%25lo]:{canary}/",
    "http://169.254.169.254/latest/meta-data/", "http://100.100.100.200/", "http://168.63.129.16/", "http://metadata.google.internal/",
    "http://db.example/", "http://half.example:{canary}/", "http://six.example:{canary}/", "http://mapped.example:{canary}/",
    "https://127.0.0.1:{canary}/", "http://nobody.example/", "http://127.0.0.1:22/", "http://127.0.0.1:6379/", "http://files.example:25/",
    "http://127.0.0.1:0/", "http://127.0.0.1:99999/", "http://files.example@127.0.0.1:{canary}/", "http://127.0.0.1:{canary}\\@files.example/",
    "http://127.0.0.1:{canary}#@files.example/", "http://127。0。0。1:{canary}/", "http://①②⑦.0.0.1:{canary}/", "HTTP://LOCALHOST:{canary}/",
    "file:///etc/passwd", "file://127.0.0.1:{canary}/etc/passwd", "gopher://127.0.0.1:{canary}/_FLUSHALL", "ftp://127.0.0.1:{canary}/x",
    "dict://127.0.0.1:{canary}/stats", "data:,x", "jar:http://127.0.0.1:{canary}/x!/y", "unix:/run/x.sock", "//127.0.0.1:{canary}/",
]  # fmt: skip


def stub_or_number(host, seconds):
    """Numbers and the machine's own names as the real resolver reads them, names from the table, nothing from the network."""
    if host in NAMES or host == "files.example":
        return NAMES.get(host, [OPEN])
    assert host == "localhost" or not host.endswith((".example", ".internal"))
    return addresses.resolve(host, seconds)


@pytest.mark.parametrize("url", URLS)
def test_no_url_leads_inside(url, canaries):
    codes = ("address_refused", "bad_url", "scheme_refused", "port_refused", "userinfo_refused")
    url = url.replace("{canary}", str(canaries[0].port))
    begun = time.monotonic()
    assert refusal(url, names=stub_or_number) in codes
    assert refusal(url, names=stub_or_number, is_public=addresses.is_public) in codes
    assert time.monotonic() - begun < 1


@pytest.mark.parametrize(("url", "hops"), [(url, 1 + n % 3) for n, url in enumerate(URLS)])
def test_no_redirect_leads_inside(url, hops, meet, canaries):
    there = meet(
        lambda _c, path: redirect(url.replace("{canary}", str(canaries[0].port)) if path == f"/{hops}" else f"/{int(path[1:]) + 1}")
    )
    code = refusal(f"http://files.example:{there.port}/1", names=stub_or_number)
    if url.startswith("//127"):
        assert code == "address_refused"
    assert code in ("address_refused", "bad_url", "scheme_refused", "port_refused", "userinfo_refused")
    assert there.met == hops


def test_a_name_is_resolved_once_for_a_hop_and_the_connection_goes_where_that_said(meet, canaries):
    there = meet(lambda *_: answer(b"x"))
    names = Names(**{"files.example": [[OPEN], ["127.0.0.1"]]})
    ours = fetcher(names)
    with ours.open(f"http://files.example:{there.port}/") as body:
        assert body.read() == b"x"
    assert (there.met, names.asked) == (1, ["files.example"])


@pytest.mark.parametrize("then", [["127.0.0.1"], ["::1"], [OPEN, "127.0.0.1"], ["::ffff:7f00:1"], []])
def test_a_name_that_leads_inside_the_second_time_is_refused_then(meet, canaries, then):
    port = canaries[0].port
    with Blocked(port) as there:
        names = Names(**{"files.example": [[OPEN], then]})
        assert refusal(f"http://files.example:{port}/", names=names) == "address_refused"
        assert there.met == 1


class Blocked:
    """The open Internet at the very port of the canaries, sending everybody back to the same name."""

    def __init__(self, port):
        self.stranger = Stranger(socket.AF_INET, OPEN, lambda *_: redirect("/again"), port=port)

    def __enter__(self):
        return self.stranger

    def __exit__(self, *_error):
        self.stranger.close()


@pytest.mark.parametrize("status", ["301 x", "302 x", "303 x", "307 x", "308 x"])
@pytest.mark.parametrize("hops", range(1, 7))
def test_three_redirects_are_followed_and_not_a_fourth(meet, hops, status):
    there = meet(lambda _c, path: answer(b"there") if path == f"/{hops}" else redirect(f"/{int(path[1:]) + 1}", status))
    url = f"http://files.example:{there.port}/0"
    assert (fetch(url) == b"there") if hops <= 3 else (refusal(url) == "too_many_redirects")
    assert there.met == min(hops, 3) + 1
    assert all(asked.startswith("GET ") for asked in there.asked)


@pytest.mark.parametrize(
    ("location", "code"),
    [("", "too_many_redirects"), ("/0", "too_many_redirects"), ("http://[", "bad_url"), ("ht tp://x", "bad_url"),
     ("http://\xff.example/", "bad_url")],
)  # fmt: skip
def test_redirects_to_nowhere_end(meet, location, code):
    there = meet(lambda *_: answer(status="302 Found").replace(b"\r\n\r\n", b"\r\nLocation: " + location.encode("latin-1") + b"\r\n\r\n"))
    assert refusal(f"http://files.example:{there.port}/0") == code


def test_a_redirect_in_chinese_is_followed(meet):
    there = meet(lambda _c, path: redirect("/弱.csv") if path == "/" else answer(path.encode()))
    assert fetch(f"http://files.example:{there.port}/") == b"/%E5%BC%B1.csv"


# --- too much, too slow, not HTTP --------------------------------------------------------------------------------------
@cache
def bomb():
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(60)) + packer.flush()


def drip(connection, _path, head=b"", every=0.1):
    connection.sendall(head)
    for _ in range(200):
        time.sleep(every)
        connection.sendall(b"x")


MUCH = bytes(64 * 1024)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (lambda *_: for_ever(answer(), MUCH), "too_large"),
        (lambda *_: for_ever(answer(Content_Length=10**10), MUCH), "too_large"),
        (lambda *_: for_ever(answer(Transfer_Encoding="chunked"), b"10000\r\n" + MUCH + b"\r\n"), "too_large"),
        (lambda *_: for_ever(answer(Transfer_Encoding="chunked"), b"1;" + b"x" * 4000 + b"\r\ny\r\n"), "too_large"),
        (lambda *_: for_ever(answer(Transfer_Encoding="chunked") + b"1\r\nx\r\n0\r\n", b"X: y\r\n" * 1000), "too_large"),
        (lambda *_: for_ever(answer(Content_Encoding="gzip"), gzip.compress(b"")), "too_large"),
        (lambda *_: answer(bomb(), Content_Encoding="gzip"), "too_large"),
        (lambda *_: for_ever(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "headers_too_large"),
        (lambda *_: for_ever(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1000), "headers_too_large"),
        (lambda *_: answer(b"x", X="y" * 2**20), "headers_too_large"),
        (lambda *_: answer(b"x", **{f"X{n}": "y" * 600 for n in range(99)} | {"Y": "y" * 10_000}), "headers_too_large"),
        (lambda *_: for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "headers_too_large"),
        (lambda *_: for_ever(b"", b"x" * 1000), "headers_too_large"),
        (lambda c, p: drip(c, p), "too_slow"),
        (lambda c, p: drip(c, p, b"HTTP/1.1 200 OK\r\nX: "), "too_slow"),
        (lambda c, p: drip(c, p, answer(Content_Length=1000)), "too_slow"),
        (lambda c, p: drip(c, p, answer()), "too_slow"),
        (lambda *_: time.sleep(6), "too_slow"),
        (lambda *_: b"", "not_http"),
        (lambda *_: b"SSH-2.0-OpenSSH_9\r\n", "not_http"),
        (lambda *_: b"-ERR unknown command 'GET'\r\n", "not_http"),
        (lambda *_: b"HTTP/1.1 abc\r\n\r\n", "not_http"),
        (lambda *_: answer(b"zz\r\nx", Transfer_Encoding="chunked"), ("not_http", "broke_off")),
        (lambda *_: answer(b"-5\r\nx", Transfer_Encoding="chunked"), ("not_http", "broke_off")),
        (lambda *_: answer(b"a\r\nx", Transfer_Encoding="chunked"), "broke_off"),
        (lambda *_: answer(b"x" * 10, Content_Length=1000), "broke_off"),
        (lambda *_: answer(gzip.compress(TEXT)[:-20], Content_Encoding="gzip"), "broke_off"),
        (lambda *_: answer(b"not packed", Content_Encoding="gzip"), "not_http"),
        (lambda *_: answer(b"x", Content_Encoding="br"), "encoding_refused"),
        (lambda *_: answer(b"x", Content_Encoding="gzip, gzip"), "encoding_refused"),
        (lambda *_: answer(b"x", "404 Not Found"), "http_status"),
        (lambda *_: answer(b"x", "500 Oops"), "http_status"),
        (lambda *_: answer(status="204 No Content"), "http_status"),
        (lambda *_: answer(b"x", "206 Partial Content"), "http_status"),
        (lambda *_: answer(b"x", "304 Not Modified"), "http_status"),
        (lambda *_: answer(b"x", "101 Switching Protocols"), "http_status"),
    ],
)  # fmt: skip
def test_what_is_too_much_or_too_slow_or_no_answer_ends_soon(meet, said, code):
    there, begun = meet(said), time.monotonic()
    found = refusal(f"http://files.example:{there.port}/x")
    assert found in ((code,) if isinstance(code, str) else code)
    assert time.monotonic() - begun < 5
    time.sleep(0.05)
    assert there.sent < LIMIT + 12 * 2**20  # and what the kernel's buffers hold


def test_reading_stops_at_the_limit(meet):
    there, got = meet(lambda *_: for_ever(answer(), MUCH)), 0
    with fetcher().open(f"http://files.example:{there.port}/") as body, contextlib.suppress(Refused):
        while chunk := body.read():
            got += len(chunk)
    assert LIMIT - 65536 <= got <= LIMIT
    assert body.size <= LIMIT + 65536


def test_a_packed_body_is_never_unpacked_much_further_than_is_read(meet):
    there = meet(lambda *_: answer(bomb(), Content_Encoding="gzip"))
    with fetcher().open(f"http://files.example:{there.port}/") as body:
        assert len(body.read()) <= 65536


def test_more_than_was_announced_is_not_read(meet):
    there = meet(lambda *_: for_ever(answer(Content_Length=10), MUCH))
    assert fetch(f"http://files.example:{there.port}/") == bytes(10)


def test_what_is_announced_too_large_is_not_begun(meet):
    there = meet(lambda *_: answer(Content_Length=LIMIT + 1))
    with pytest.raises(Refused) as refused:
        fetcher().open(f"http://files.example:{there.port}/")
    assert (refused.value.code, refused.value.params) == ("too_large", {"limit": 1})


def test_a_slow_body_that_keeps_the_rate_takes_its_time(meet):
    there = meet(lambda *_: (time.sleep(0.2) or piece for piece in (answer(), *repeat(bytes(100_000), 8))))
    assert len(fetch(f"http://files.example:{there.port}/", slack=0.5, rate=200_000)) == 800_000


def test_redirects_share_one_deadline(meet):
    there = meet(lambda *_: time.sleep(0.5) or redirect("/"))
    begun = time.monotonic()
    assert refusal(f"http://files.example:{there.port}/", seconds=1.2) == "too_slow"
    assert time.monotonic() - begun < 1.8


def test_nobody_there(meet):
    there = meet(None)
    there.close()
    assert refusal(f"http://files.example:{there.port}/") == "connection_failed"


def test_a_connection_that_is_reset_is_told(meet):
    def reset(connection, _path):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    assert refusal(f"http://files.example:{meet(reset).port}/") in ("broke_off", "not_http")


# --- TLS ---------------------------------------------------------------------------------------------------------------
CA = """[ca]
default_ca = d
[d]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = p
copy_extensions = copy
unique_subject = no
[p]
commonName = supplied
[req]
distinguished_name = dn
[dn]
[v]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Of an authority of our own: one that is right, one that is over. And one that nobody signed."""
    at = tmp_path_factory.mktemp("tls")
    (at / "ca.cnf").write_text(CA)
    (at / "index").touch()
    (at / "serial").write_text("01\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=at, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "ca.cnf")
    name = ("-subj", "/CN=files.example", "-addext", "subjectAltName=DNS:files.example")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ours", "-extensions", "v", "-days", "9")
    openssl("req", "-x509", *key, "-keyout", "self.key", "-out", "self.pem", *name, "-days", "9")
    for kind, end in (("right", "20491231235959Z"), ("over", "20200102000000Z")):
        openssl("req", *key, "-keyout", f"{kind}.key", "-out", f"{kind}.csr", *name)
        signed = ("-in", f"{kind}.csr", "-out", f"{kind}.pem", "-startdate", "20200101000000Z", "-enddate", end)
        openssl("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", *signed)
    return at


@pytest.fixture
def meet_tls(certificates):
    """A TLS server with this certificate, at a port of OPEN. It notes the names that it is asked for."""
    met = []

    def meet(name, said=None):
        context = fetching.ssl.SSLContext(fetching.ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
        there = Stranger(socket.AF_INET, OPEN)
        there.names = []
        context.sni_callback = lambda _socket, host, _context: there.names.append(host)
        plain = there._answer
        there.script = lambda *_: said or answer(b"secret and whole")
        there._answer = lambda connection: plain(context.wrap_socket(connection, server_side=True))
        met.append(there)
        return there

    yield meet
    for there in met:
        there.close()


def ours(certificates):
    return lambda: fetching.ssl.create_default_context(cafile=certificates / "ca.pem")


def test_tls_is_asked_for_the_name_while_the_address_is_connected_to(meet_tls, certificates):
    there = meet_tls("right")
    assert fetch(f"https://files.example:{there.port}/", trust=ours(certificates)) == b"secret and whole"
    assert there.names == ["files.example"]
    assert f"Host: files.example:{there.port}" in there.asked[0]


@pytest.mark.parametrize(("name", "host"), [("self", "files.example"), ("over", "files.example"), ("right", "other.example")])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_certificate_that_is_not_right_ends_it_before_anything_is_asked(meet_tls, certificates, name, host):
    there = meet_tls(name)
    names = Names(**{host: [OPEN]})
    assert refusal(f"https://{host}:{there.port}/", names=names, trust=ours(certificates)) == "tls_failed"
    assert there.asked == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_by_default_the_machines_authorities_are_trusted_and_not_ours(meet_tls):
    there = meet_tls("right")
    assert refusal(f"https://files.example:{there.port}/") == "tls_failed"
    context = fetcher().trust()
    assert context.verify_mode is fetching.ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_redirect_does_not_leave_tls(meet_tls, meet, certificates):
    plain = meet(lambda *_: answer(b"x"))
    there = meet_tls("right", redirect(f"http://files.example:{plain.port}/"))
    assert refusal(f"https://files.example:{there.port}/", trust=ours(certificates)) == "downgrade_refused"
    assert plain.met == 0


def test_plain_text_where_tls_was_expected(meet):
    def shout(connection, _path):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    there = meet(None)
    there._answer = lambda connection: (shout(connection, ""), connection.close())
    assert refusal(f"https://files.example:{there.port}/") in ("tls_failed", "connection_failed")


def test_there_is_no_switch():
    """What can be changed about a fetcher are limits and, by code, the three things that tests replace."""
    names = {"limit", "seconds", "slack", "rate", "resolve", "is_public", "trust"}
    assert set(Fetcher.__dataclass_fields__) == names
    standard = Fetcher(limit=1)
    assert (standard.resolve, standard.is_public) == (addresses.resolve, addresses.is_public)
    assert standard.trust is fetching.ssl.create_default_context
    for module in (fetching, addresses):
        assert not re.search(r"\bimport os\b|\bos\.|django|getenv", Path(module.__file__).read_text("utf-8"))
