"""One factory a table of accounts."""

from datetime import timedelta

import factory
from django.utils import timezone

from tenants.accounts.models import ApiSession, Role, User


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
