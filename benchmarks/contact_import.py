"""How long a spreadsheet of contacts takes to come in, against adding the same contacts one by one.

    bin/dev (or any PostgreSQL and Redis), then: .venv/bin/python benchmarks/contact_import.py [--lines 50000] [--single 1000]

Ours: upload, check and import of a file with name, e-mail, phone, company, a label and an attribute, as the task does it
(`chat.services.contact_imports`); then the same file again, with a new company in every line, which changes everybody.
Baseline, in the same run: `contacts.create` for each of `--single` people, which is what the API does for a program that
has no import. Printed as lines a second, and how many times faster ours is.

Measured: see benchmarks/README.md.
"""

import argparse
import tempfile
import time

import throwaway  # noqa: F401
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django_tenants.utils import tenant_context

from chat.models import Contact, ContactImport
from chat.services import contact_imports, contacts
from tenants.services import provisioning

WANTED_RATIO = 4.0


def sheet(lines: int, *, company: str) -> bytes:
    """A file as a shop would export it."""
    rows = [
        f"Pessoa {number};pessoa{number}@example.com;(11) 9{number:08d};{company};cliente;Cidade {number % 500}"
        for number in range(lines)
    ]
    return ("Nome;E-mail;Celular;Empresa;Etiquetas;Cidade\r\n" + "\r\n".join(rows) + "\r\n").encode("cp1252")


def imported(raw: bytes) -> tuple[float, float, dict[str, int]]:
    """Seconds of the check and of the import, and what came of it."""
    now = timezone.now()
    row = contact_imports.upload(name="clientes.csv", raw=raw, by=None, now=now)
    begun = time.perf_counter()
    contact_imports.check(import_id=row.pk, mapping=row.mapping, update_known=True, by=None, now=now)
    contact_imports.run_check(import_id=row.pk, now=now)
    checked = time.perf_counter()
    contact_imports.start(import_id=row.pk, by=None, now=now)
    contact_imports.run(import_id=row.pk, now=now)
    done = time.perf_counter()
    return checked - begun, done - checked, ContactImport.objects.get(pk=row.pk).counts


def one_by_one(count: int) -> float:
    """Seconds of adding people as the API does."""
    begun = time.perf_counter()
    for number in range(count):
        contacts.create(
            name=f"Outra {number}",
            email=f"outra{number}@example.com",
            phone_e164=f"(21) 9{number:08d}",
            company="Loja",
            attrs={"Cidade": f"Cidade {number % 500}"},
        )
    return time.perf_counter() - begun


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=50_000)
    parser.add_argument("--single", type=int, default=1_000)
    options = parser.parse_args()
    call_command("migrate", verbosity=0)
    owner = provisioning.Owner("ana@bench.example", "Ana", "balcao-demo", "")
    tenant = provisioning.create(name="Bench", slug="bench", owner=owner, wait=True)
    with tempfile.TemporaryDirectory() as media, tenant_context(tenant):
        settings.STORAGE_URL = f"file://{media}"
        single = options.single / one_by_one(options.single)
        check, fresh, counts = imported(sheet(options.lines, company="Loja"))
        assert counts["new"] == options.lines, counts
        _check, again, counts = imported(sheet(options.lines, company="Filial"))
        assert counts["updated"] == options.lines, counts
        assert Contact.objects.count() == options.lines + options.single
    print(f"one by one      {single:8.0f} contacts/s")
    print(f"check           {options.lines / check:8.0f} lines/s    ({check:.1f} s)")
    print(f"import, new     {options.lines / fresh:8.0f} lines/s    ({fresh:.1f} s)")
    print(f"import, changed {options.lines / again:8.0f} lines/s    ({again:.1f} s)")
    ratio = options.lines / fresh / single
    print(f"ratio {ratio:.1f} (wanted: at least {WANTED_RATIO})")


if __name__ == "__main__":
    main()
