"""`manage.py tenant …`: the tenants of this installation from the command line."""

import json
import sys
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import BadZipFile

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import override
from django_tenants.utils import schema_context

from ops.kernel.errors import DomainError
from tenants.enums import BIRTHS, PUBLIC_SCHEMA, CopyMode, JobState, TenantStatus
from tenants.models import Domain, DomainClaim, Reseller, Tenant, TenantJob
from tenants.queries import checkup, records
from tenants.services import (
    certificates,
    claims,
    cloning,
    domains,
    exporting,
    leaving,
    ledgers,
    lifecycle,
    provisioning,
    renaming,
)

BY = "manage.py tenant"


class Command(BaseCommand):
    """Create, list, copy, rename, suspend, close, export and delete tenants; look after their hosts and their health."""

    help = "Create, list, copy, rename, suspend, resume, archive, restore, export, delete and examine tenants."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand for each verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

        create = verbs.add_parser("create", help="make a tenant and wait until it is ready")
        create.add_argument("--name", required=True)
        create.add_argument("--slug", default="", help="its address; made from the name when left out")
        create.add_argument("--plan", default="", help="for example starter or professional")
        create.add_argument("--reseller", default="", help="the reseller's address")
        create.add_argument("--domain", default="", help="a host of the customer's own")
        create.add_argument("--owner", default="", metavar="EMAIL", help="the first person")
        create.add_argument("--owner-name", default="")
        create.add_argument("--language", default="pt-br")
        create.add_argument("--time-zone", default="America/Sao_Paulo")
        create.add_argument("--currency", default="BRL")
        create.add_argument("--background", action="store_true", help="let the worker prepare it")

        listing = verbs.add_parser("list", help="show tenants")
        listing.add_argument("--filter", choices=TenantStatus.values, help="only those in this state")
        listing.add_argument("--reseller", default="", help="only this reseller's")
        listing.add_argument("--json", action="store_true")

        for verb, words in (
            ("suspend", "keep everything, change nothing"),
            ("resume", "back to work after a suspension"),
            ("archive", "close the doors and keep the data"),
            ("restore", "open an archived tenant again"),
            ("delete", "close the doors, make the last export, and delete everything after the grace time"),
            ("undelete", "take a planned deletion back"),
            ("retry", "continue a preparation, an export or a closing that failed"),
        ):
            one = verbs.add_parser(verb, help=words)
            one.add_argument("--id", required=True, help="id, address or schema")
            if verb in ("suspend", "archive", "delete"):
                one.add_argument("--reason", default="")
            if verb == "delete":
                one.add_argument("--grace-days", type=int, default=lifecycle.GRACE.days)

        copy = verbs.add_parser("clone", help="make a tenant from another one and wait until it is ready")
        copy.add_argument("--id", required=True, help="of whom: id, address or schema")
        copy.add_argument("--name", required=True)
        copy.add_argument("--slug", default="", help="its address; made from the name when left out")
        copy.add_argument("--plan", default="", help="the original's when left out")
        copy.add_argument("--owner", default="", metavar="EMAIL", help="the first person, when no people are copied")
        copy.add_argument("--owner-name", default="")
        much = copy.add_mutually_exclusive_group()
        much.add_argument("--without-people", action="store_true", help="contacts and conversations, but not the team")
        much.add_argument("--settings-only", action="store_true", help="no contacts, conversations or people")
        copy.add_argument("--background", action="store_true", help="let the worker make it")

        renamed = verbs.add_parser("rename", help="another name, another address, or both")
        renamed.add_argument("--id", required=True, help="id, address or schema")
        renamed.add_argument("--name", default="")
        renamed.add_argument("--slug", default="", help="the new address")
        renamed.add_argument("--keep-days", type=int, default=renaming.KEPT.days, help="how long the old one leads on")

        moved = verbs.add_parser("move-domain", help="let a customer's own domain answer for another customer")
        moved.add_argument("--id", required=True, help="whose it is: id, address or schema")
        moved.add_argument("--to", required=True, help="whose it becomes: id, address or schema")
        moved.add_argument("--domain", required=True, metavar="HOST")

        export = verbs.add_parser("export", help="write everything of a tenant into a zip, or check one")
        export.add_argument("--id", default="", help="id, address or schema")
        export.add_argument("--to", metavar="FILE", help="write it there instead of sending the owners a link")
        export.add_argument("--verify", metavar="FILE", help="count and hash a zip again")

        domain = verbs.add_parser("domain", help="show, add or remove hosts of a tenant")
        domain.add_argument("--id", required=True, help="id, address or schema")
        domain.add_argument("--add", metavar="HOST", help="claim it; it answers once its DNS proves whose it is")
        domain.add_argument("--vouch", metavar="HOST", help="let it answer at once, because you know whose it is")
        domain.add_argument("--remove", metavar="HOST")
        domain.add_argument("--primary", metavar="HOST", help="make this the main one")

        own = verbs.add_parser("domains", help="customers' own domains: show them, and ask the DNS about them")
        own.add_argument("--id", default="", help="only this tenant's: id, address or schema")
        own.add_argument("--check", action="store_true", help="ask the DNS now; without it only what is known is shown")
        own.add_argument("--certificates", action="store_true", help="look at the certificates they show now, too")

        doctor = verbs.add_parser(
            "doctor", help="look for drift, orphans, missing hosts, differing keys, stuck jobs, bloat"
        )
        doctor.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Call the verb; a refusal is one clear line in the command's language, not a traceback, and names the value."""
        try:
            with schema_context(PUBLIC_SCHEMA):
                getattr(self, f"_{options['verb'].replace('-', '_')}")(options)
        except DomainError as error:
            # Only the refusal is put into English: what the verb makes speaks the tenant's language.
            with override("en"):
                words = str(error)
                more = [one.field if one.detail == words else f"{one.field}: {one.detail}" for one in error.errors]
                fields = "; ".join(part for part in more if part)
                raise CommandError(f"{words} ({fields})" if fields else words) from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error

    def _create(self, options: dict[str, Any]) -> None:
        owner = (
            provisioning.Owner(options["owner"], options["owner_name"], language=options["language"])
            if options["owner"]
            else None
        )
        tenant = provisioning.create(
            name=options["name"],
            slug=options["slug"],
            plan=options["plan"],
            reseller=_reseller(options["reseller"]),
            owner=owner,
            language=options["language"],
            time_zone=options["time_zone"],
            currency=options["currency"],
            host=options["domain"],
            by=BY,
            now=timezone.now(),
            wait=not options["background"],
        )
        self.stdout.write(f"{tenant.pk}  {tenant.schema_name}  {tenant.status}  {domains.url_of(tenant)}")

    def _list(self, options: dict[str, Any]) -> None:
        tenants = Tenant.objects.customers().select_related("reseller").order_by("slug", "pk")
        if options["filter"]:
            tenants = tenants.filter(status=options["filter"])
        else:
            tenants = tenants.exclude(status=TenantStatus.DELETED)
        if options["reseller"]:
            tenants = tenants.filter(reseller=_reseller(options["reseller"]))
        hosts = Domain.objects.order_by("-is_primary", "domain")
        rows = [_as_dict(tenant) for tenant in tenants.prefetch_related(Prefetch("domains", queryset=hosts))]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for row in rows:
            self.stdout.write(
                f"{row['id']}  {row['status']:<12}  {row['schema']:<24}  {row['name']}  {', '.join(row['hosts'])}"
            )
        if not rows:
            self.stdout.write("No tenants.")

    def _suspend(self, options: dict[str, Any]) -> None:
        self._say(lifecycle.suspend(tenant=_tenant(options), reason=options["reason"], by=BY, now=timezone.now()))

    def _resume(self, options: dict[str, Any]) -> None:
        self._say(lifecycle.resume(tenant=_tenant(options), by=BY, now=timezone.now()))

    def _archive(self, options: dict[str, Any]) -> None:
        self._say(lifecycle.archive(tenant=_tenant(options), reason=options["reason"], by=BY, now=timezone.now()))

    def _restore(self, options: dict[str, Any]) -> None:
        self._say(lifecycle.restore(tenant=_tenant(options), by=BY, now=timezone.now()))

    def _undelete(self, options: dict[str, Any]) -> None:
        self._say(leaving.take_back(tenant=_tenant(options), by=BY, now=timezone.now()))

    def _clone(self, options: dict[str, Any]) -> None:
        mode = CopyMode.FULL
        if options["without_people"]:
            mode = CopyMode.WITHOUT_PEOPLE
        if options["settings_only"]:
            mode = CopyMode.SETTINGS
        source = _tenant(options)
        owner = provisioning.Owner(options["owner"], options["owner_name"], language=source.language)
        tenant = cloning.clone(
            source=source,
            name=options["name"],
            slug=options["slug"],
            mode=mode,
            owner=owner if options["owner"] else None,
            plan=options["plan"],
            by=BY,
            now=timezone.now(),
            wait=not options["background"],
        )
        self.stdout.write(f"{tenant.pk}  {tenant.schema_name}  {tenant.status}  {domains.url_of(tenant)}")

    def _rename(self, options: dict[str, Any]) -> None:
        if not options["name"] and not options["slug"]:
            raise CommandError("Give --name, --slug, or both.")
        if options["keep_days"] < 1:
            raise CommandError("--keep-days is at least 1.")
        tenant = renaming.rename(
            tenant=_tenant(options),
            name=options["name"],
            slug=options["slug"],
            by=BY,
            now=timezone.now(),
            kept=timedelta(days=options["keep_days"]),
        )
        self.stdout.write(f"{tenant.name}  {domains.url_of(tenant)}")
        for row in renaming.former(tenant):
            self.stdout.write(f"{row.domain} leads there until {row.redirects_until:%Y-%m-%d}.")

    def _move_domain(self, options: dict[str, Any]) -> None:
        source, target = _tenant(options), _tenant({"id": options["to"]})
        row = renaming.move_domain(host=options["domain"], source=source, target=target, by=BY, now=timezone.now())
        self.stdout.write(f"{row.domain} answers for {target.slug} now.")

    def _export(self, options: dict[str, Any]) -> None:
        if options["verify"]:
            try:
                with Path(options["verify"]).open("rb") as held:
                    manifest = exporting.verify(held)
            except (OSError, ValueError, KeyError, BadZipFile) as error:
                raise CommandError(f"{options['verify']}: {error}") from error
            rows = sum(table["rows"] for table in manifest["tables"].values())
            self.stdout.write(
                f"{manifest['company']['name']}, {manifest['made_at']}: {rows} rows, {len(manifest['files'])} files, whole."
            )
            return
        if not options["id"]:
            raise CommandError("Give --id, or --verify FILE.")
        tenant, now = _tenant(options), timezone.now()
        if not domains.has_tables(tenant):
            raise CommandError(f"{tenant.slug} has no data to export.")
        if options["to"]:
            with Path(options["to"]).open("w+b") as out:
                rows, files = exporting.write(out, tenant=tenant, now=now)
            # The file can hold everything: both logs say that somebody took it.
            ledgers.record_both(
                "tenants.export_made", tenant=tenant, by=BY, detail={"rows": rows, "files": files}, now=now
            )
            self.stdout.write(f"{options['to']}: {rows} rows, {files} files.")
            return
        job = leaving.run(job_id=leaving.ask_export(tenant=tenant, by=BY, now=now).pk, now=now)
        made = job.payload["export"]
        self.stdout.write(
            f"{made['rows']} rows, {made['files']} files, sha256 {made['sha256']}; owners get the link by letter."
        )

    def _delete(self, options: dict[str, Any]) -> None:
        if options["grace_days"] < 0:
            raise CommandError("--grace-days cannot be negative.")
        grace = timedelta(days=options["grace_days"])
        now = timezone.now()
        tenant = _tenant(options)
        if grace:
            leaving.plan(tenant=tenant, reason=options["reason"], by=BY, now=now, grace=grace)
            tenant.refresh_from_db()
        else:
            # At once, and nothing to take along: only somebody with this machine can ask for it.
            tenant = lifecycle.delete(tenant=tenant, reason=options["reason"], by=BY, now=now, grace=grace)
            tenant = lifecycle.purge(tenant=tenant, by=BY, now=now)
        self._say(tenant)

    def _retry(self, options: dict[str, Any]) -> None:
        tenant = _tenant(options)
        job = TenantJob.objects.filter(tenant=tenant, state=JobState.FAILED).order_by("-created_at", "-pk").first()
        if job is None:
            raise CommandError("This tenant has nothing to continue.")
        if job.kind in BIRTHS:
            provisioning.retry(job=job, by=BY, now=timezone.now(), wait=True)
        else:
            leaving.run(job_id=job.pk, now=timezone.now())
        tenant.refresh_from_db()
        self._say(tenant)

    def _domain(self, options: dict[str, Any]) -> None:
        tenant = _tenant(options)
        if options["add"]:
            made = claims.claim(tenant=tenant, host=options["add"], by=BY, now=timezone.now())
            for record in records.needed(made):
                self.stdout.write(f"{record.full}  {record.kind}  {record.value}")
        if options["vouch"]:
            domains.add(tenant=tenant, host=options["vouch"], by=BY)
        if options["primary"]:
            domains.make_primary(domain=_domain(tenant, options["primary"]), by=BY)
        if options["remove"]:
            domains.remove(domain=_domain(tenant, options["remove"]), by=BY)
        for row in tenant.domains.order_by("-is_primary", "domain"):
            self.stdout.write(f"{row.domain}{'  (main)' if row.is_primary else ''}")

    def _domains(self, options: dict[str, Any]) -> None:
        rows = DomainClaim.objects.select_related("tenant__reseller", "reseller", "domain").order_by("host", "pk")
        if options["id"]:
            rows = rows.filter(tenant=_tenant(options), reseller=None)
        for row in rows:
            shown = claims.check(claim=row, by=BY, now=timezone.now()) if options["check"] else row
            if options["certificates"] and shown.domain_id:
                shown = certificates.check(claim=shown, now=timezone.now())
            whose = shown.reseller.slug if shown.reseller else shown.tenant.slug
            known = {True: "yes", False: "no", None: "unknown"}
            said = f"proof {known[shown.found.get('proof')]}, leads here {known[shown.found.get('points')]}"
            until = f"{shown.tls_until:%Y-%m-%d}" if shown.tls_until else "not seen"
            said += f", certificate {until}{f' ({shown.tls_problem})' if shown.tls_problem else ''}"
            self.stdout.write(f"{shown.host}  {whose}  {shown.state}  {said}")
        if not rows:
            self.stdout.write("No domains.")

    def _doctor(self, options: dict[str, Any]) -> None:
        found = checkup.findings(now=timezone.now())
        if options["json"]:
            keys = ("code", "about", "sentence", "mend")
            self.stdout.write(
                json.dumps([{key: getattr(one, key) for key in keys} for one in found], ensure_ascii=False, indent=2)
            )
        else:
            for one in found:
                self.stdout.write(f"{one.code:<18} {one.about}: {one.sentence}  →  {one.mend}")
            self.stdout.write(f"{len(found)} problems." if found else "All tenants are well.")
        if found:
            sys.exit(1)

    def _say(self, tenant: Tenant) -> None:
        until = (
            f", data are deleted after {tenant.delete_after:%Y-%m-%d %H:%M} UTC"
            if tenant.status == TenantStatus.ARCHIVED and tenant.delete_after
            else ""
        )
        self.stdout.write(f"{tenant.slug} is {tenant.status}{until}.")


def _tenant(options: dict[str, Any]) -> Tenant:
    """By id, schema or address; among several that had one address, the living one."""
    asked = options["id"].strip()
    tenants = Tenant.objects.customers()
    try:
        found = tenants.filter(pk=UUID(asked)).first()
    except ValueError:
        found = (
            tenants.filter(schema_name=asked).first()
            or tenants.exclude(status=TenantStatus.DELETED).filter(slug=asked).first()
        )
    if found is None:
        raise CommandError(f"There is no tenant {asked!r}.")
    return found


def _reseller(slug: str) -> Reseller | None:
    if not slug:
        return None
    found = Reseller.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no reseller {slug!r}.")
    return found


def _domain(tenant: Tenant, host: str) -> Domain:
    found = tenant.domains.filter(domain=host.strip().lower()).first()
    if found is None:
        raise CommandError(f"{tenant.slug} has no host {host!r}.")
    return found


def _as_dict(tenant: Tenant) -> dict[str, Any]:
    return {
        "id": str(tenant.pk),
        "schema": tenant.schema_name,
        "slug": tenant.slug,
        "name": tenant.name,
        "status": tenant.status,
        "reseller": tenant.reseller.slug if tenant.reseller else None,
        "hosts": [row.domain for row in tenant.domains.all()],
        "created_at": tenant.created_at.isoformat(),
        "delete_after": tenant.delete_after.isoformat() if tenant.delete_after else None,
    }
