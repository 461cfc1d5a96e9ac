"""What the DNS says about a name, asked with a time limit.

`settings.DNS_SERVERS` names servers to ask instead of the machine's own, as `address` or `address:port`.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.resolver
from django.conf import settings

from ops.kernel.errors import TemporaryFailure

log = logging.getLogger(__name__)

TIMEOUT_S = 4.0


class NameServerSilent(TemporaryFailure):
    """No name server answered, or the one that must know failed."""

    code = "name_server_silent"


def lookup(name: str, kind: str) -> list[str]:
    """Records of a kind (`TXT`, `CNAME`, `A`, …) as text and in order, `TXT` without its quotes; nothing when there are none.

    Raises `NameServerSilent`: silence must not look like an answer.
    """
    try:
        answer = _resolver().resolve(name, kind, lifetime=TIMEOUT_S, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
        return []
    except (dns.exception.DNSException, OSError) as error:
        log.warning("No answer about %s %s: %s", kind, name, error)
        raise NameServerSilent(words=str(error)) from error
    if kind == "TXT":
        return sorted(b"".join(record.strings).decode(errors="replace") for record in answer)
    return sorted(record.to_text().rstrip(".").lower() for record in answer)


def texts(name: str) -> list[str]:
    """The `TXT` records of a name."""
    return lookup(name, "TXT")


@dataclass(frozen=True, slots=True)
class Way:
    """Where a name leads: its addresses, and the names that stood on the way (CNAME), the first one first."""

    addresses: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()


def way(name: str) -> Way:
    """IPv4 and IPv6 addresses of a name, CNAMEs followed. Raises `NameServerSilent`."""
    addresses: set[str] = set()
    names: dict[str, None] = {}
    for kind in ("A", "AAAA"):
        try:
            answer = _resolver().resolve(name, kind, lifetime=TIMEOUT_S, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as error:
            # The name may exist and lead to one that does not.
            links = [link for answer in error.responses().values() for link in answer.resolve_chaining().cnames]
            names.update(_targets(links))
            continue
        except (dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong):
            continue
        except (dns.exception.DNSException, OSError) as error:
            log.warning("No answer about %s %s: %s", kind, name, error)
            raise NameServerSilent(words=str(error)) from error
        addresses.update(record.address for record in answer.rrset or ())
        names.update(_targets(answer.chaining_result.cnames))
    return Way(frozenset(addresses), tuple(names))


def _targets(links: Iterable[Any]) -> dict[str, None]:
    return {one.target.to_text(omit_final_dot=True).lower(): None for link in links for one in link}


def _resolver() -> dns.resolver.Resolver:
    servers = settings.DNS_SERVERS
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        named = [server.rsplit(":", 1) if server.count(":") == 1 else [server, "53"] for server in servers]
        resolver.nameservers = [host for host, _port in named]
        resolver.nameserver_ports = {host: int(port) for host, port in named}
    return resolver
