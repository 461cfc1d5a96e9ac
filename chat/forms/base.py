"""What the forms of the counter share."""

from typing import Any

from django import forms

from ops.kernel.errors import DomainError
from tenants.accounts.models import User


def add_problem(form: forms.BaseForm, error: DomainError) -> None:
    """Show a service's refusal in the form: at the field it names, else above all of them."""
    if not error.errors:
        form.add_error(None, str(error))
    for one in error.errors:
        field = {"phone": "phone_e164"}.get(one.field, one.field.split(".")[0])
        form.add_error(field if field in form.fields else None, one.detail)


class PeopleField(forms.ModelMultipleChoiceField):
    """People who answer conversations, by name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=User.objects.seated().order_by("name", "pk"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            **kwargs,
        )

    def label_from_instance(self, obj: Any) -> str:
        """The name alone."""
        return str(obj.get_full_name())


class JudgedForm(forms.ModelForm):
    """A form whose service says in its own words what is taken, and what belongs together."""

    def _get_validation_exclusions(self) -> set[str]:
        # The fields themselves are checked by the form; constraints that name an excluded one are left alone.
        return {*super()._get_validation_exclusions(), *self.fields}  # type: ignore[misc]
