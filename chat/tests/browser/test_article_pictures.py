"""A picture comes into an article by button and by pasting; its description is asked for; readers see it."""

import pytest
from django.conf import settings

from chat.models import Article, ArticlePicture
from chat.tests.browser.stage import until
from chat.tests.files import photo

pytestmark = [pytest.mark.browser, pytest.mark.transactional]

PASTE = """(bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
    document.querySelector(".article-source").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    );
}"""
LOADED = "() => [...document.querySelectorAll('.prose img')].filter((one) => one.complete && one.naturalWidth).length"


def test_pictures_are_put_into_an_article(acme, ana, client_of, stage):
    context = stage.context()
    cookie = client_of(acme, user=ana).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": stage.address("/")}])
    page = stage.page(context)
    page.goto(stage.address("/chat/articles/new/"))
    # The script shows the button when it is ready for it.
    button = page.locator("[data-add-picture]")
    button.wait_for(state="visible")
    page.fill("[name=title]", "Onde fica o balcão")
    dialog = page.locator("#picture")

    button.click()
    dialog.wait_for(state="visible")
    dialog.locator("input[type=file]").set_input_files(
        {"name": "counter.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    page.fill("#picture-alt", "O balcão")
    dialog.locator("[type=submit]").click()
    dialog.wait_for(state="hidden")
    page.evaluate(PASTE, list(photo(40, 20, format="PNG")))
    dialog.wait_for(state="visible")
    # Without a description nothing goes in.
    dialog.locator("[type=submit]").click()
    until(page, lambda: page.evaluate("document.activeElement.id"), "picture-alt")
    assert ArticlePicture.objects.count() == 1
    page.fill("#picture-alt", "A porta")
    dialog.locator("[type=submit]").click()
    dialog.wait_for(state="hidden")

    first, second = ArticlePicture.objects.order_by("pk")
    assert page.input_value(".article-source") == (
        f"![O balcão](/help/p/{first.pk})\n\n![A porta](/help/p/{second.pk})\n\n"
    )
    until(page, lambda: page.evaluate(LOADED), 2)
    page.fill(".article-source", page.input_value(".article-source") + "Venha.")
    page.locator("[name=publish]").click()
    page.wait_for_url("**/chat/articles/0*/")
    article = Article.objects.get()
    reader = stage.page(stage.context())
    reader.goto(stage.address(f"/help/a/{article.slug}"))
    until(reader, lambda: reader.evaluate(LOADED), 2)
