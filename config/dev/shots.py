"""Pictures of every page: three widths, two themes, two languages, each kind of account.

Pages are found by following links from where each account starts, one picture for each kind of address, so a
new page is in the next round without being listed. Beside each picture stand what to look at first: pages that
are wider than the screen, and messages in the browser's console.
"""

import argparse
import html
import os
import re
import shutil
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

try:
    from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
except ImportError:
    sys.exit("Playwright is missing. Run bin/test once: it installs requirements-dev.txt.")

PASSWORD = "balcao-demo"  # noqa: S105 - the demo's public password
WIDTHS = (390, 768, 1440)
HEIGHTS = {390: 844, 768: 1024, 1440: 900}
THEMES = ("light", "dark")
LANGUAGES = ("pt-br", "en")
# What is never followed: it ends the session, leaves the product, or is no page.
SKIPPED = re.compile(
    r"logout|/delete/|/static/|/media/|\.(?:js|css|json|ico|png|svg)$|/api/|/go/|jsi18n|/brand/|/autocomplete/"
)
IDENTITY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody on a host, and where they start."""

    name: str
    host: str
    account: str = ""
    login: str = "/login/"
    starts: tuple[str, ...] = ("/",)
    most: int = 60


VISITS = (
    Visit("platform", "localhost", starts=("/", "/signup/", "/admin/login/")),
    Visit("stranger", "padaria.localhost", starts=("/login/", "/password/reset/", "/widget/demo/")),
    Visit("owner", "padaria.localhost", "owner@padaria.example"),
    Visit("agent", "padaria.localhost", "agent@padaria.example", most=12),
    Visit("viewer", "livraria.localhost", "viewer@livraria.example", most=8),
    Visit("studio", "studio.localhost", "owner@lantern.example", most=6),
    Visit("console", "localhost", "admin@balcao.example", "/admin/login/", ("/admin/",), 40),
    Visit("reseller", "redesul.localhost", "revenda@redesul.example", "/admin/login/", ("/admin/",), 25),
    Visit(
        "development",
        "localhost",
        starts=("/dev/gallery/", "/dev/mail/", "/dev/errors/404/", "/dev/errors/500/"),
        most=14,
    ),
)


@dataclass(slots=True)
class Shot:
    """One picture."""

    visit: str
    path: str
    width: int
    theme: str
    language: str
    file: str
    status: int
    remarks: list[str] = field(default_factory=list)


def kind_of(path: str) -> str:
    """The address with its identities taken out: one picture for all conversations is enough."""
    return IDENTITY.sub("id", urlsplit(path).path)


class Photographer:
    """Walks through the product and takes the pictures."""

    def __init__(self, browser: Browser, *, base: str, folder: Path, only: str, quick: bool) -> None:
        self.browser = browser
        parts = urlsplit(base)
        self.scheme, self.port = parts.scheme, f":{parts.port}" if parts.port else ""
        self.folder = folder
        self.only = only
        self.widths = (390, 1440) if quick else WIDTHS
        self.languages = LANGUAGES[:1] if quick else LANGUAGES
        self.shots: list[Shot] = []

    def visit(self, visit: Visit) -> None:
        """Every page one account reaches."""
        origin = f"{self.scheme}://{visit.host}{self.port}"
        context = self.browser.new_context(reduced_motion="reduce", locale="pt-BR", timezone_id="America/Sao_Paulo")
        try:
            page = context.new_page()
            if visit.account:
                self._log_in(page, origin, visit)
            paths = [path for path in self._pages(page, origin, visit) if self.only in f"{visit.name} {path}"]
            before = page.locator("html").get_attribute("lang") or LANGUAGES[0]
            for language in self.languages:
                self._speak(context, page, origin, visit, language)
                for theme in THEMES:
                    context.add_cookies([{"name": "theme", "value": theme, "url": origin}])
                    for width in self.widths:
                        self._take(context, origin, visit, paths, width=width, theme=theme, language=language)
            if visit.account:
                self._speak(context, page, origin, visit, before)
        finally:
            context.close()

    def _log_in(self, page: Page, origin: str, visit: Visit) -> None:
        page.goto(origin + visit.login)
        page.locator("input[type=email], input[name=username]").first.fill(visit.account)
        page.locator("input[type=password]").first.fill(PASSWORD)
        page.locator("form button[type=submit]").first.click()
        page.wait_for_load_state()
        if urlsplit(page.url).path == visit.login:
            sys.exit(f"{visit.account} could not log in at {origin}. Is the demo loaded (bin/manage demo)?")

    def _pages(self, page: Page, origin: str, visit: Visit) -> list[str]:
        found: dict[str, str] = {}
        waiting = deque(visit.starts)
        while waiting and len(found) < visit.most:
            path = waiting.popleft()
            if kind_of(path) in found:
                continue
            response = page.goto(origin + path)
            if response is None or "html" not in response.headers.get("content-type", ""):
                continue
            found[kind_of(path)] = path
            if not visit.account and path not in visit.starts:
                continue
            for link in page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)"):
                parts = urlsplit(link)
                if (
                    f"{parts.scheme}://{parts.netloc}" == origin
                    and not SKIPPED.search(parts.path)
                    and kind_of(parts.path) not in found
                ):
                    waiting.append(parts.path)
        return list(found.values())

    def _speak(self, context: BrowserContext, page: Page, origin: str, visit: Visit, language: str) -> None:
        context.add_cookies([{"name": "django_language", "value": language, "url": origin}])
        if not visit.account:
            return
        # A person's own language counts more than the browser's.
        page.goto(origin + visit.starts[0])
        page.evaluate(
            """async (language) => {
                const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1] || "";
                const body = new URLSearchParams({ language, next: "/", csrfmiddlewaretoken: token });
                await fetch("/language/", { method: "POST", body, redirect: "manual" });
            }""",
            language,
        )

    def _take(
        self,
        context: BrowserContext,
        origin: str,
        visit: Visit,
        paths: list[str],
        *,
        width: int,
        theme: str,
        language: str,
    ) -> None:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
        remarks: list[str] = []
        page.on("console", lambda message: remarks.append(message.text[:200]) if message.type == "error" else None)
        page.on("pageerror", lambda error: remarks.append(str(error)[:200]))
        for path in paths:
            remarks.clear()
            response = page.goto(origin + path)
            status = response.status if response else 0
            page.wait_for_timeout(250)  # skeletons end, fonts arrive
            wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            name = re.sub(r"[^a-z0-9]+", "-", kind_of(path).lower()).strip("-") or "home"
            file = f"{visit.name}/{name}-{width}-{theme}-{language}.png"
            (self.folder / visit.name).mkdir(exist_ok=True)
            page.screenshot(path=str(self.folder / file), full_page=True)
            found = [remark for remark in remarks if not (status >= 400 and "Failed to load resource" in remark)]
            if wider > 0:
                found.append(f"{wider} px wider than the screen")
            if status >= 500:
                found.append(f"answered {status}")
            self.shots.append(Shot(visit.name, path, width, theme, language, file, status, found))
        page.close()


def index(shots: list[Shot], folder: Path) -> None:
    """One page with all pictures; what needs a look comes first."""
    rows = []
    for shot in sorted(
        shots, key=lambda one: (not one.remarks, one.visit, one.path, one.language, one.theme, one.width)
    ):
        note = "".join(f"<li>{html.escape(remark)}</li>" for remark in shot.remarks)
        rows.append(
            f'<figure class="w{shot.width}"><a href="{html.escape(shot.file)}"><img loading="lazy" src="{html.escape(shot.file)}" alt=""></a>'
            f"<figcaption><b>{html.escape(shot.visit)}</b> {html.escape(kind_of(shot.path))}<br>{shot.width} · {shot.theme} · {shot.language} · {shot.status}"
            f"<ul>{note}</ul></figcaption></figure>"
        )
    style = (
        "body{font:14px/1.5 system-ui;margin:2rem;background:#f4f4f6}main{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start}"
        "figure{margin:0}img{display:block;border:1px solid #ccc;border-radius:6px;width:100%;max-height:30rem;object-fit:cover;object-position:top}"
        ".w390{width:10rem}.w768{width:16rem}.w1440{width:26rem}ul{color:#b3261e;padding-left:1.2rem;margin:0}"
    )
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Shots</title><style>{style}</style><h1>{len(shots)} pictures</h1><main>{"".join(rows)}</main></html>',
        encoding="utf-8",
    )


def main() -> int:
    """Take the pictures; 1 when a page is too wide, breaks, or complains in the console."""
    parser = argparse.ArgumentParser(prog="bin/shots", description="Pictures of every page into VAR_DIR/shots.")
    parser.add_argument(
        "--base", default=f"http://localhost:{os.environ.get('PORT') or 8000}", help="where the product runs"
    )
    parser.add_argument(
        "--only",
        default="",
        help='one account (owner), or pages whose address contains this text (/settings/, "owner /chat/")',
    )
    parser.add_argument("--quick", action="store_true", help="two widths, one language")
    chosen = parser.parse_args()
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("VAR_DIR") or root / "var") / "shots"
    if folder.exists() and not chosen.only:
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with sync_playwright() as playwright:
        own = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=own, args=["--no-sandbox"])
        photographer = Photographer(browser, base=chosen.base, folder=folder, only=chosen.only, quick=chosen.quick)
        named = [visit for visit in VISITS if visit.name == chosen.only.split(" ")[0]]
        for visit in named or VISITS:
            photographer.visit(visit)
            sys.stdout.write(f"{visit.name}: {len(photographer.shots)} pictures so far\n")
            sys.stdout.flush()
        browser.close()
    index(photographer.shots, folder)
    remarked = [shot for shot in photographer.shots if shot.remarks]
    for shot in remarked:
        sys.stdout.write(f"{shot.file}: {'; '.join(shot.remarks)}\n")
    sys.stdout.write(
        f"{len(photographer.shots)} pictures in {time.monotonic() - started:.0f} s: {folder / 'index.html'}\n"
    )
    return 1 if remarked else 0


if __name__ == "__main__":
    sys.exit(main())
