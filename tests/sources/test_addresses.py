"""Where the fetcher may go."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources import addresses
from sources.addresses import Refused, is_port_allowed, is_public, parse


@pytest.mark.parametrize(
    "ip", ["1.1.1.1", "93.184.215.14", "223.5.5.5", "2606:4700::1111", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_the_open_internet_is_public(ip):
    assert is_public(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1",  # noqa: S104
        "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2002:7f00:1::", "2002:808:808::1", "2001:0:7f00:1::",
        "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254",
        "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "4000::1", "", "localhost", "1.1.1.1 ",
    ],
)  # fmt: skip
def test_everything_else_is_not(ip):
    assert not is_public(ip)


@given(st.ip_addresses(v=4))
def test_an_address_is_judged_alike_in_every_dress(ip):
    assert is_public(f"::ffff:{ip}") == is_public(str(ip)) == is_public(f"64:ff9b::{ip}")


@pytest.mark.parametrize(("port", "allowed"), [(80, True), (443, True), (8080, True), (8443, True), (65535, True), (1024, True)])
def test_web_servers_may_listen_there(port, allowed):
    assert is_port_allowed(port) is allowed


@pytest.mark.parametrize("port", [0, 21, 22, 23, 25, 53, 81, 110, 1023, 2375, 3306, 5432, 6379, 9200, 11211, 27017])
def test_other_services_are_not_talked_to(port):
    assert not is_port_allowed(port)


@pytest.mark.parametrize(
    ("url", "authority", "target", "name"),
    [
        ("https://example.org", "example.org", "/", "example.org"),
        ("HTTP://Example.ORG:80/a/b.jsonl?x=1&y=[2]#part", "example.org", "/a/b.jsonl?x=1&y=[2]", "b.jsonl"),
        ("https://example.org.:8443/%E5%BC%B1.csv", "example.org:8443", "/%E5%BC%B1.csv", "弱.csv"),
        ("https://例子.测试/弱.jsonl?来=源", "xn--fsqu00a.xn--0zwm56d", "/%E5%BC%B1.jsonl?%E6%9D%A5=%E6%BA%90", "弱.jsonl"),
        ("http://[2606:4700::1111]:8080/x", "[2606:4700::1111]:8080", "/x", "x"),
        ("https://example.org/a%0d%0aHost:%20x", "example.org", "/a%0d%0aHost:%20x", "a\r\nHost: x"),
    ],
)  # fmt: skip
def test_a_url_is_taken_apart(url, authority, target, name):
    address = parse(url)
    assert (address.authority, address.target, address.name) == (authority, target, name)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "bad_url"), ("posts.jsonl", "bad_url"), ("//example.org/x", "bad_url"), ("http://", "bad_url"), ("http:///x", "bad_url"),
        ("http://[::1", "bad_url"), ("http://example.org:99999/", "bad_url"), ("http://example.org:x/", "bad_url"),
        ("http://exa mple.org/", "bad_url"), ("http://example.org/\r\nX: y", "bad_url"), ("http://example.org/a\tb", "bad_url"),
        ("http://example.org\\@127.0.0.1/", "bad_url"), ("http://[fe80::1%25eth0]/", "bad_url"), ("http://" + "a" * 3000, "bad_url"),
        ("http://a%00b/", "bad_url"), ("http://exam\u202eple.org/", "bad_url"),
        ("file:///etc/passwd", "scheme_refused"), ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme_refused"), ("ftp://x/y", "scheme_refused"),
        ("dict://x:11211/stats", "scheme_refused"), ("data:,x", "scheme_refused"), ("jar:http://x!/y", "scheme_refused"),
        ("ws://x/", "scheme_refused"), ("javascript:alert(1)", "scheme_refused"),
        ("http://user@example.org/", "userinfo_refused"), ("http://a:b@127.0.0.1/", "userinfo_refused"), ("http://@x/", "userinfo_refused"),
        ("http://example.org:22/", "port_refused"), ("http://example.org:25/", "port_refused"), ("http://example.org:0/", "port_refused"),
        ("http://example.org:6379/", "port_refused"), ("http://example.org:5432/", "port_refused"),
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_file_is_refused(url, code):
    with pytest.raises(Refused) as refused:
        parse(url)
    assert refused.value.code == code


@given(st.text(max_size=60), st.sampled_from(["", "http://", "https://", "http://example.org/", "http://[", "//"]))
def test_any_text_is_an_address_or_refused_and_never_breaks_the_request(text, before):
    try:
        address = parse(before + text)
    except Refused:
        return
    request = f"GET {address.target} HTTP/1.1 {address.authority}"
    assert request.isascii()
    assert request.isprintable()
    assert request.count(" ") == 3


class TestResolver:
    def test_all_addresses_are_given_ipv4_first_and_each_once(self, monkeypatch):
        found = [(10, 1, 6, "", ("2606::1", 0, 0, 0)), (2, 1, 6, "", ("1.1.1.1", 0)), (2, 1, 6, "", ("1.1.1.1", 0))]
        monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_args, **_more: found)
        assert addresses.resolve("example.org", 5) == ["1.1.1.1", "2606::1"]

    def test_numbers_in_disguise_are_what_they_mean(self):
        for host in ("0x7f.1", "2130706433", "017700000001", "127.1"):
            assert addresses.resolve(host, 5) == ["127.0.0.1"]
            assert not is_public("127.0.0.1")

    @pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".org"])
    def test_names_that_cannot_be_are_unknown(self, host):
        with pytest.raises(Refused) as refused:
            addresses.resolve(host, 5)
        assert refused.value.code == "host_unknown"

    def test_a_name_server_that_does_not_answer_is_not_waited_for(self, monkeypatch):
        monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_args, **_more: time.sleep(1) or [])
        with pytest.raises(Refused) as refused:
            addresses.resolve("example.org", 0.1)
        assert refused.value.code == "too_slow"
