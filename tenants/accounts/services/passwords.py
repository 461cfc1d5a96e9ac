"""Which passwords will do. Judged here, without asking anybody outside.

`zxcvbn` (the estimator of Dropbox, with the most frequent passwords of leaked lists) says how many guesses somebody
needs who knows the tricks: common passwords, names, keyboards, years, letters as digits. It knows English; the words
that Brazilians choose most stand below, beside the person's own name, address and company. Django's list of the
twenty thousand commonest passwords is asked before it (`AUTH_PASSWORD_VALIDATORS`).
"""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

# 10^8 guesses: out of reach of somebody who tries at the door, a few hours for somebody with a stolen hash.
ENOUGH = 3
# The estimator's work grows with the square of the length; what is longer is not guessed.
LOOKED_AT = 64
BRAZIL = (
    "senha", "mudar", "acesso", "entrar", "bemvindo", "usuario", "administrador", "sistema", "empresa", "loja",
    "brasil", "flamengo", "corinthians", "palmeiras", "saopaulo", "santos", "vasco", "gremio", "internacional",
    "cruzeiro", "botafogo", "fluminense", "atletico", "deus", "jesus", "fiel", "familia", "amor", "teamo", "feliz",
    "minha", "vida", "princesa", "gatinha", "felipe", "gabriel", "lucas", "rafael", "mariana", "juliana", "camila",
    "janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro",
    "dezembro", "segunda", "sexta", "sabado", "domingo",
)  # fmt: skip


class GuessableValidator:
    """Refuses what a patient guesser finds: for `AUTH_PASSWORD_VALIDATORS`."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raises `ValidationError` for a password that is guessed too soon."""
        known = [*BRAZIL, *_words(getattr(user, "email", "")), *_words(getattr(user, "name", ""))]
        known += _words(str(getattr(connection.tenant, "name", "")))
        if zxcvbn(password[:LOOKED_AT], user_inputs=known)["score"] < ENOUGH:
            raise ValidationError(
                _("This password would be guessed soon. Put a few words together that nobody expects."),
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        """For Django's own forms."""
        return _("A few words together that nobody expects are best.")


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w]+|_", text.lower()) if len(word) > 2]
