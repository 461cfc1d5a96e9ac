"""One factory a table of accounts."""

from datetime import timedelta

import factory
from django.utils import timezone

from tenants.accounts.models import (
    ApiSession,
    ApiToken,
    Brake,
    EmailDomain,
    ExternalIdentity,
    IdentityProvider,
    Invitation,
    Login,
    Role,
    SignIn,
    SpentAssertion,
    User,
)


class RoleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Role
        django_get_or_create = ("slug",)

    slug = "agent"
    name = "Agent"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda number: f"person{number}@acme.example")
    name = factory.Faker("name", locale="pt_BR")
    role = factory.SubFactory(RoleFactory)

    @factory.post_generation
    def password(self, create, extracted, **_):
        self.set_password(extracted or "balcao-demo")
        if create:
            self.save()


class ApiSessionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ApiSession

    user = factory.SubFactory(UserFactory)
    refresh_id = factory.Faker("uuid4")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))


class EmailDomainFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = EmailDomain

    name = factory.Sequence(lambda number: f"company{number}.example")
    token = factory.Sequence(lambda number: f"proof-{number}")
    verified_at = factory.LazyFunction(timezone.now)
    proof = "dns"


class IdentityProviderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = IdentityProvider
        skip_postgeneration_save = True

    kind = "oidc"
    name = "Acme ID"
    enabled = True
    issuer = "https://id.acme.example"
    client_id = "balcao"
    client_secret = "a secret of acme"

    @factory.post_generation
    def domains(self, create, extracted, **_):
        if create and extracted:
            self.domains.set(
                EmailDomain.objects.filter(name=name).first() or EmailDomainFactory(name=name) for name in extracted
            )


class ExternalIdentityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ExternalIdentity

    provider = factory.SubFactory(IdentityProviderFactory)
    subject = factory.Sequence(lambda number: f"subject-{number}")
    user = factory.SubFactory(UserFactory)


class SignInFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SignIn

    provider = factory.SubFactory(IdentityProviderFactory)
    request_key = factory.Sequence(lambda number: f"request-{number}")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=15))


class SpentAssertionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SpentAssertion

    provider = factory.SubFactory(IdentityProviderFactory)
    key = factory.Sequence(lambda number: f"assertion-{number}")
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class ApiTokenFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ApiToken

    kind = "personal"
    name = "Script"
    user = factory.SubFactory(UserFactory)
    prefix = "blc_Abcdefgh"
    digest = factory.Sequence(lambda number: f"{number:064x}")
    scopes = ["all"]
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=90))


class InvitationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Invitation

    email = factory.Sequence(lambda number: f"guest{number}@acme.example")
    role = factory.SubFactory(RoleFactory)
    sent_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class LoginFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Login

    user = factory.SubFactory(UserFactory)
    session_key = factory.Sequence(lambda number: f"session{number:025}")
    device = factory.Faker("uuid4")
    last_seen_at = factory.LazyFunction(timezone.now)


class BrakeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Brake

    key = factory.Sequence(lambda number: f"key{number:025}")
    failures = 1
    since = factory.LazyFunction(timezone.now)
