"""Letters in a company's own words: whose words, which places, and values that stay text."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django_tenants.utils import schema_context, tenant_context

from ops.kernel.errors import Invalid, NotFound
from tenants import letterbook
from tenants.accounts.services import emails, invitations
from tenants.accounts.tests.factories import ApiTokenFactory, InvitationFactory, LoginFactory, UserFactory
from tenants.queries import hosts
from tenants.services import letters, wording
from tenants.services.wording import Words
from tenants.tests.factories import ResellerFactory

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WELCOME = "accounts/welcome"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
MINE = Words("Bem-vinda, {{name}}", "Oi **{{name}}**!\n\n[Entrar]({{link}})\n\nDa {{company}}.")


def save(owner, words=MINE, name=WELCOME, language="pt-br"):
    return wording.save(owner=owner, name=name, language=language, words=words, by=None, now=NOW)


def write(words, **values):
    filled = {"name": "Bia", "company": "Acme", "email": "bia@x.example", "link": "https://a.example/x?a=1&b=2"}
    return wording.write(words, filled | values, action="Entrar", colour="#0b6b5d", ink="#ffffff")


def test_the_tenants_words_come_before_the_resellers_and_these_before_ours(acme):
    reseller = ResellerFactory()
    with schema_context("public"):
        acme.reseller = reseller
        acme.save()

    def subject(language="pt-br"):
        with tenant_context(acme):
            return letters.sample(WELCOME, to="bia@x.example", language=language).subject

    ours = subject()
    save(reseller, Words("Da revenda", "{{link}}"))
    assert subject() == "Da revenda"
    save(acme, Words("Da loja", "{{link}}"))
    assert subject() == "Da loja"
    assert subject("en") == "Your access to Acme"
    assert wording.reset(owner=acme, name=WELCOME, language="pt-br", by=None, now=NOW)
    assert wording.reset(owner=reseller, name=WELCOME, language="pt-br", by=None, now=NOW)
    assert not wording.reset(owner=reseller, name=WELCOME, language="pt-br", by=None, now=NOW)
    assert subject() == ours


def test_another_tenants_words_are_not_ours(acme, beta):
    save(acme)

    assert wording.chosen(WELCOME, tenant=beta, reseller=None, language="pt-br") is None
    assert wording.own(owner=beta) == {}


def test_a_real_letter_is_written_with_them(acme, mailoutbox):
    save(acme)
    with tenant_context(acme):
        person = UserFactory(name="Rui Braga", email="rui@correio.example", language="pt-br")
        person.set_unusable_password()
        person.save()
        assert emails.deliver(letter="welcome", user_id=str(person.pk), host="", to="")

    sent = mailoutbox[-1]
    page = str(sent.alternatives[0][0])
    assert sent.subject == "Bem-vinda, Rui"
    assert "Entrar:\nhttp" in sent.body
    assert "<strong>Rui</strong>" in page
    assert 'font-weight:600;text-decoration:none;">Entrar</a>' in page


def test_an_invitation_is_written_with_them(acme, ana, mailoutbox):
    save(acme, Words("{{by}} chama", "{{name}}: {{role}} até {{day}}\n\n{{link}}"), name="accounts/invitation")
    with tenant_context(acme):
        row = InvitationFactory(name="Rui Braga", invited_by=ana, role=ana.role, language="pt-br")
        assert emails.deliver_invitation(invitation_id=str(row.pk), host="", link_of=invitations.token_of)

    sent = mailoutbox[-1]
    assert sent.subject == f"{ana.get_full_name()} chama"
    assert sent.body.startswith(f"Rui: {ana.role.label} até ")
    assert "/invitation" in sent.body


def test_values_are_text_whatever_they_are(acme):
    odd = "[win](http://evil.example) <script>x</script> **b** {{link}}"
    written = write(Words("{{name}}", "Oi {{name}}\n\n{{ name }}\n\n{{link}}"), name=odd)

    assert 'evil.example"' not in written.html
    assert "<script" not in written.html
    assert "<strong>" not in written.html
    assert written.html.count("https://a.example/x?a=1&amp;b=2") == 2  # the button and the words below it


def test_words_may_not_carry_script_or_pictures(acme):
    written = write(
        Words(
            "x", "<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1))\n\n![p](https://t.example/p.gif)\n\n{{link}}"
        )
    )

    assert "<img" not in written.html
    assert "javascript:" not in written.html.replace("javascript:alert(1))", "")


def test_a_link_inside_a_sentence_stays_a_link():
    written = write(Words("x", "Clique [aqui]({{ link }}) ou copie {{link}}."))

    assert '<a href="https://a.example/x?a=1&amp;b=2"' in written.html
    assert "copie https://a.example/x?a=1&amp;b=2." in written.html
    assert written.text == "Clique aqui:\nhttps://a.example/x?a=1&b=2 ou copie https://a.example/x?a=1&b=2."


@pytest.mark.parametrize(
    ("subject", "body", "field"),
    [
        ("", "{{link}}", "subject"),
        ("  \n ", "{{link}}", "subject"),
        ("x" * 151, "{{link}}", "subject"),
        ("{{link}}", "{{link}}", "subject"),
        ("{{other}}", "{{link}}", "subject"),
        ("x", "", "body"),
        ("x", "no way in", "body"),
        ("x", "{{link}} {{password}}", "body"),
        ("x", "{{link}}" + "a" * 10_000, "body"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(acme, subject, body, field):
    with pytest.raises(Invalid) as refused:
        save(acme, Words(subject, body))

    assert refused.value.field == field
    assert wording.own(owner=acme) == {}


def test_only_known_letters_and_languages(acme):
    for name, language in (("accounts/none", "pt-br"), ("../secrets", "pt-br"), (WELCOME, "fr")):
        with pytest.raises(NotFound):
            save(acme, name=name, language=language)


@pytest.mark.parametrize("language", ["pt-br", "en"])
@pytest.mark.parametrize("name", sorted(letterbook.letters.keys()))
def test_the_standard_words_of_every_letter_are_words_one_may_save(acme, name, language):
    words = wording.standard(name, language=language)

    save(acme, words, name=name, language=language)
    with tenant_context(acme):
        sample = letters.sample(name, to="bia@x.example", language=language)
    assert "{{" not in sample.subject + sample.body + str(sample.alternatives[0][0])


def test_every_letter_the_product_writes_is_in_the_book():
    """What is written by the agent or by the reader's own reseller is not the company's to word."""
    folder = Path(settings.BASE_DIR) / "templates/emails"
    written = {f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.subject")}

    assert written - set(letterbook.letters.keys()) == {"chat/reply", "chat/limit_reseller"}


def test_letters_about_devices_and_tokens_say_which_in_either_words(acme, ana, mailoutbox):
    login = LoginFactory(user=ana, user_agent=FIREFOX, address="203.0.113.7")
    token = ApiTokenFactory(user=ana, name="ERP")

    def told(name, about):
        assert emails.deliver(letter=name, user_id=str(ana.pk), host="", to="", about=str(about.pk))
        return mailoutbox[-1].body

    for name, place, about, said in (
        ("new_device", "device", login, "Firefox"),
        ("token_created", "token", token, f"ERP, {token.shown}"),
    ):
        assert said in told(name, about)
        save(acme, Words("x", f"Veja: {{{{{place}}}}}\n\n{{{{link}}}}"), name=f"accounts/{name}")
        assert told(name, about).startswith(f"Veja: {said}")


@pytest.mark.parametrize("own", [False, True], ids=["the product's words", "own words"])
def test_a_company_whose_name_ends_with_a_dot_gets_no_second_one(acme, mailoutbox, own):
    with schema_context("public"):
        type(acme).objects.filter(pk=acme.pk).update(name="Sol & Mar Ltda.")
    hosts.clear()
    if own:
        save(acme, Words("Na {{company}}.", "Bom dia da {{company}}.\n\n{{link}}"))
    with tenant_context(acme):
        person = UserFactory(email="rui@correio.example", language="pt-br")
        person.set_unusable_password()
        person.save()
        emails.deliver(letter="welcome", user_id=str(person.pk), host="", to="")

    sent = mailoutbox[-1]
    said = f"{sent.subject} {sent.body} {sent.alternatives[0][0]}"
    assert "Ltda." in said
    assert "Ltda.." not in said


def test_a_letter_to_who_has_no_account_gives_another_reason(acme):
    def page(name):
        with tenant_context(acme):
            return letters.sample(name, to="rita@mail.example", language="en").alternatives[0][0]

    assert "because somebody asked" in page("chat/transcript")
    assert "because of your account" not in page("chat/transcript")
    assert "because of your account" in page(WELCOME)
