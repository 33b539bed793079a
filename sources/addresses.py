"""Which addresses of the network our fetcher may go to: public ones, on ports of web servers. Pure, but for asking the resolver.

The check is of the address that is connected to, never of the name: a name may answer differently the next time.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread
from typing import Any
from urllib.parse import quote, unquote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 2000  # bytes: more does not fit into an index of the database
# Above 1023 a port may be asked for, for web servers that listen there, but not where databases, caches, queues, consoles
# and agents do by default: the servers of a company have public addresses too, and trust whoever reaches these.
REFUSED_PORTS = frozenset({
    1080, 1099, 1433, 1434, 1521, 1723, 1883, 2049, 2181, 2222, 2375, 2376, 2377, 2379, 2380, 2483, 2484, 3128, 3306, 3389, 4369, 4444,
    5000, 5037, 5060, 5432, 5433, 5555, 5601, 5672, 5900, 5901, 5984, 5985, 5986, 6000, 6066, 6379, 6380, 6432, 6443, 6667, 7000, 7001,
    7077, 7199, 7474, 7687, 8009, 8086, 8125, 8200, 8300, 8301, 8500, 8600, 9000, 9042, 9090, 9092, 9160, 9200, 9300, 9418, 10000, 10250,
    10255, 11211, 11434, 15672, 16379, 26257, 26379, 27017, 27018, 27019, 28015, 33060, 50000, 50070, 61616,
})  # fmt: skip
# Public by the registries, and yet not for us: what Python's tables lack, and the address at which Azure's machines find their agent.
NOT_PUBLIC = tuple(
    IPv4Network(net) for net in ("0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")
)
UNICAST = IPv6Network("2000::/3")  # all that is given out; the rest is local, reserved or multicast
# 6to4, Teredo and other tunnels (2001::/23), documentation (twice), and drafts: nobody serves files there.
NOT_PUBLIC_6 = tuple(IPv6Network(network) for network in ("2002::/16", "2001::/23", "2001:db8::/32", "3fff::/20"))
NAT64 = IPv6Network("64:ff9b::/96")
SAFE_PATH = "/%:@!$&'()*+,;=~-._"  # what a path or query may hold as it is
SAFE_QUERY = SAFE_PATH + "?[]"
HOST = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?|[0-9a-f:.]+")


class Refused(Exception):
    """An address that is not gone to, or could not be. `code` and `params` are what a sentence for people is made of."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass(frozen=True)
class Address:
    """The parts of a URL that matter, taken apart once: the same host is resolved, put into the request and named to TLS."""

    scheme: str
    host: str  # in ASCII, without brackets or final dot
    port: int
    target: str  # path and query, percent-encoded

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def name(self) -> str:
        """What the file is called: the end of the path."""
        return unquote(self.target.partition("?")[0].rpartition("/")[2]) or self.host


def parse(url: str) -> Address:
    """Raises Refused: bad_url, scheme_refused, userinfo_refused, port_refused."""
    if not url.isprintable() or len(url.encode()) > MAX_URL or any(char.isspace() for char in url) or "\\" in url:
        raise Refused("bad_url")
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").removesuffix(".")
        host = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except ValueError:  # also of the idna codec
        raise Refused("bad_url") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise Refused("scheme_refused" if parts.scheme else "bad_url")
    if "@" in parts.netloc:
        raise Refused("userinfo_refused")
    if not HOST.fullmatch(host):
        raise Refused("bad_url")
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if not is_port_allowed(port):
        raise Refused("port_refused", port=port)
    target = quote(parts.path or "/", safe=SAFE_PATH) + (f"?{quote(parts.query, safe=SAFE_QUERY)}" if parts.query else "")
    return Address(parts.scheme, host, port, target)


def is_port_allowed(port: int) -> bool:
    """80, 443, and from 1024 on what no database listens on."""
    return port in (80, 443) or (port >= 1024 and port not in REFUSED_PORTS)


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open Internet. IPv4 inside of IPv6 counts as what it is."""
    try:
        ip = ip_address(text)
    except ValueError:  # also of an address with a zone
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            ip = ip.ipv4_mapped
        elif ip in NAT64:
            ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, IPv6Address):
        return ip in UNICAST and ip.is_global and not any(ip in network for network in NOT_PUBLIC_6)
    is_special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not is_special and not any(ip in network for network in NOT_PUBLIC)


def resolve(host: str, seconds: float) -> list[str]:
    """All addresses of a name, IPv4 first. Raises Refused: host_unknown, too_slow.

    The resolver knows no deadline, so it is asked by a thread of its own: one that answers late is not waited for.
    """
    found: list[str] = []
    asking = Thread(target=_ask, args=(host, found.append), daemon=True, name="resolver")
    asking.start()
    asking.join(seconds)
    if asking.is_alive():
        raise Refused("too_slow", host=host)
    if not found:
        raise Refused("host_unknown", host=host)
    return list(dict.fromkeys(sorted(found, key=lambda ip: ":" in ip)))


def _ask(host: str, add: Callable[[str], None]) -> None:
    try:
        for *_rest, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
            add(str(address[0]))
    except (OSError, UnicodeError):
        return
