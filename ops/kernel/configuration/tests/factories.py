import factory

from ops.kernel.configuration.models import SettingVersion


class SettingVersionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SettingVersion

    name = "tests.shop"
    version = 1
    values = factory.Dict({"colour": "red"})
