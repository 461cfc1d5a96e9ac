"""What the keyboard does in the parts of the gallery, and that no page is wider than a phone."""

import re

import pytest

pytestmark = pytest.mark.browser

GALLERY = "/dev/gallery/?lang=en"


def focused(page) -> str:
    """Words, name or id of what has the focus."""
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText?.trim() || document.activeElement.id"
    )


def test_a_dialog_takes_the_focus_and_gives_it_back(open_page):
    page = open_page(GALLERY)
    button = page.get_by_role("button", name="Delete inbox").nth(1)

    button.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete this inbox?")
    assert dialog.is_visible()
    assert focused(page) == "Cancel"  # the safe answer first

    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert button.evaluate("element => element === document.activeElement")


def test_the_focus_stays_inside_an_open_dialog(open_page):
    page = open_page(GALLERY)
    page.get_by_role("button", name="Open the form").click()

    for _ in range(8):
        page.keyboard.press("Tab")
        # The browser's own bar may be part of the round; the page behind never is.
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")


def test_a_press_beside_a_dialog_closes_it_and_one_inside_does_not(open_page):
    page = open_page(GALLERY)
    page.get_by_role("button", name="Open the form").click()
    dialog = page.get_by_role("dialog", name="Invite a person")

    dialog.get_by_text("valid for three days").click()
    assert dialog.is_visible()

    page.mouse.click(5, 5)
    assert not dialog.is_visible()


def test_arrows_letters_and_escape_in_a_menu(open_page):
    page = open_page(GALLERY)
    button = page.get_by_role("button", name="Actions")
    button.focus()

    page.keyboard.press("ArrowDown")
    assert focused(page) == "Assign to me"
    assert button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Copy the address"
    page.keyboard.press("End")
    assert focused(page) == "Delete conversation"
    page.keyboard.press("ArrowDown")
    assert focused(page) == "Assign to me"
    page.keyboard.press("s")
    assert focused(page) == "Snooze until tomorrow"

    page.keyboard.press("Escape")
    assert button.evaluate("element => element === document.activeElement")
    assert button.get_attribute("aria-expanded") == "false"


def test_a_menu_stays_on_the_screen(open_page):
    page = open_page(GALLERY, width=390)
    page.locator("[popovertarget=sample-menu]").click()

    box = page.locator("#sample-menu").bounding_box()

    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390


def test_a_dialog_opened_from_a_menu_gives_the_focus_to_the_menus_button(open_page):
    page = open_page(GALLERY)
    button = page.get_by_role("button", name="Actions")
    button.click()
    page.get_by_role("menuitem", name="Delete conversation").click()
    assert page.get_by_role("dialog", name="Delete this inbox?").is_visible()

    page.keyboard.press("Escape")

    assert button.evaluate("element => element === document.activeElement")


def test_the_palette_opens_by_keyboard_finds_without_accents_and_follows_arrows(open_page):
    page = open_page("/dev/gallery/list/?lang=pt-br")
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox")
    assert box.evaluate("element => element === document.activeElement")

    options = page.locator("[role=option]:visible")
    assert options.count() == 5
    chosen = page.locator("[role=option][aria-selected=true]")
    first = chosen.inner_text()
    page.keyboard.press("ArrowDown")
    assert chosen.count() == 1
    assert chosen.inner_text() != first
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")

    page.keyboard.type("nothing like this")
    assert options.count() == 0
    assert page.locator(".palette-none").is_visible()

    page.keyboard.press("Escape")
    assert not page.locator("#palette").is_visible()


def test_enter_in_the_palette_goes_there(open_page):
    page = open_page("/dev/gallery/list/?lang=en")
    page.keyboard.press("Control+k")
    page.keyboard.type("studio")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"\?studio$"))


def test_tabs_follow_the_arrows(open_page):
    page = open_page(GALLERY)
    page.get_by_role("tab", name="Reply").focus()

    page.keyboard.press("ArrowRight")

    assert focused(page) == "Note"
    assert page.get_by_role("tabpanel", name="Note").is_visible()
    assert not page.get_by_role("tabpanel", name="Reply").is_visible()


def test_the_theme_is_remembered_in_a_cookie(open_page):
    page = open_page("/dev/gallery/list/?lang=en")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitemradio", name="Dark").click()

    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.get_by_role("menuitemradio", name="Dark").get_attribute("aria-checked") == "true"
    assert "theme=dark" in page.evaluate("document.cookie")
    # A stylesheet may still be on its way when the machine is busy.
    page.wait_for_function("getComputedStyle(document.documentElement).backgroundColor === 'rgb(15, 16, 18)'")


def test_rows_are_walked_with_j_and_k_and_counted_when_chosen(open_page):
    page = open_page("/dev/gallery/list/?lang=en")

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert focused(page) == "Pedro Nunes"
    page.keyboard.press("k")
    assert focused(page) == "Ana Beatriz"
    assert not page.locator("[data-bulk]").is_visible()

    page.keyboard.press("x")
    assert page.locator("[data-bulk-count]").inner_text() == "1 selected"
    page.get_by_label("Select all").check()
    assert page.locator("[data-bulk-count]").inner_text() == "4 selected"
    page.get_by_role("button", name="Clear").click()
    assert not page.locator("[data-bulk]").is_visible()


def test_a_password_can_be_looked_at_and_the_button_says_so(open_page):
    page = open_page("/dev/gallery/login/?lang=en")
    button = page.get_by_role("button", name="Show the password")
    field = page.locator("#every_password")

    button.click()

    assert field.get_attribute("type") == "text"
    assert button.get_attribute("aria-pressed") == "true"


def test_a_colour_is_the_same_in_words_and_in_the_picker(open_page):
    page = open_page(GALLERY)
    page.get_by_label("code of the colour").fill("#AA3300")

    assert page.locator("#every_colour").input_value() == "#aa3300"


def test_changes_that_were_not_saved_are_guarded(open_page):
    page = open_page("/dev/gallery/form/?lang=en")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.locator("#every_name").press_sequentially("!")

    page.goto("http://gallery.test/dev/gallery/list/")

    assert asked == ["beforeunload"]


def test_the_skip_link_is_the_first_stop(open_page):
    page = open_page("/dev/gallery/list/?lang=en")

    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_toast_from_the_server_says_it_politely_and_can_be_sent_away(open_page):
    page = open_page(GALLERY)
    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('toast', {detail: {text: 'Saved.', tone: 'success'}, bubbles: true}))"
    )
    region = page.locator("#toasts")
    assert region.get_attribute("aria-live") == "polite"
    assert region.get_by_text("Saved.").is_visible()

    region.get_by_role("button", name="Dismiss").click()

    assert region.get_by_text("Saved.").count() == 0


def test_nothing_moves_for_people_who_asked_for_that(open_page):
    page = open_page(GALLERY)

    durations = page.evaluate(
        "[...document.querySelectorAll('.skeleton-line, .spinner, .button')].map(e => parseFloat(getComputedStyle(e).animationDuration))"
    )

    assert max(durations) <= 0.001


@pytest.mark.parametrize("path", ["", "list/", "form/", "detail/", "login/", "states/"])
def test_no_page_is_wider_than_the_screen(open_page, path):
    page = open_page(f"/dev/gallery/{path}?lang=pt-br&brand=padaria")

    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        # The resized page is laid out a frame later; one that is too wide stays so, and this times out.
        page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)


def test_what_a_thumb_presses_is_large_enough(open_page):
    page = open_page("/dev/gallery/detail/?lang=en", width=390)

    sizes = page.locator(".rail-link").evaluate_all("links => links.map(link => link.getBoundingClientRect().height)")

    assert min(sizes) >= 44


def test_every_control_has_a_name(open_page):
    page = open_page(GALLERY)

    nameless = page.evaluate(
        """[...document.querySelectorAll('button, a[href], input:not([type=hidden]), select, textarea')].filter(e =>
            !(e.getAttribute('aria-label') || e.innerText?.trim() || e.textContent.trim() || e.labels?.length || e.title))
            .map(e => e.outerHTML.slice(0, 120))"""
    )

    assert nameless == []


def test_no_id_is_used_twice(open_page):
    page = open_page(GALLERY)

    twice = page.evaluate(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.filter((id, n) => ids.indexOf(id) !== n); })()"
    )

    assert twice == []


def test_a_refused_request_says_why(open_page):
    page = open_page(GALLERY)
    problem = '{"title": "Conflict", "detail": "Somebody else took this conversation."}'
    page.route(
        "**/refused/", lambda route: route.fulfill(status=409, body=problem, content_type="application/problem+json")
    )

    page.evaluate("htmx.ajax('GET', '/refused/', {target: '#main', swap: 'none'})")

    page.get_by_text("Somebody else took this conversation.").wait_for()


def test_an_ended_session_leads_to_the_login_and_back(open_page):
    page = open_page(GALLERY)
    page.route("**/login/**", lambda route: route.fulfill(body="<h1>Log in</h1>", content_type="text/html"))

    # What a redirect of the server ends in, as htmx sees it.
    page.evaluate("void htmx.ajax('GET', '/login/?next=/fragment/', {target: '#main'})")

    page.wait_for_url("**/login/?next=%2Fdev%2Fgallery%2F%3Flang%3Den")
