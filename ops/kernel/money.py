"""Money: whole cents with their currency. Nothing is rounded before the invoice line."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

# Currencies whose smallest unit is not a hundredth (ISO 4217).
EXPONENTS = {"JPY": 0, "CLP": 0, "PYG": 0, "KRW": 0}


class MixedCurrencies(ValueError):
    """Two amounts of different currencies were added or compared."""


def exponent(currency: str) -> int:
    """Decimal places of a currency's smallest unit."""
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the smallest unit of its currency (cents)."""

    cents: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.cents, int) or isinstance(self.cents, bool):
            raise TypeError("Money holds whole cents; use Money.of() for an amount with decimals.")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError(f"{self.currency!r} is no ISO 4217 currency code.")

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """Money from a decimal amount. Raises `ValueError` when it has more places than the currency: rounding is a decision."""
        if isinstance(amount, float):
            raise TypeError("A float is no exact amount; pass a string or a Decimal.")
        scaled = Decimal(amount).scaleb(exponent(currency))
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more decimal places than {currency} knows.")
        return cls(int(scaled), currency)

    @property
    def amount(self) -> Decimal:
        """The amount with its decimals."""
        return Decimal(self.cents).scaleb(-exponent(self.currency))

    def as_json(self) -> dict[str, str]:
        """The form of the API: `{"amount": "197.00", "currency": "BRL"}`."""
        return {"amount": f"{self.amount:.{exponent(self.currency)}f}", "currency": self.currency}

    def split(self, weights: list[int]) -> "list[Money]":
        """Parts in proportion to `weights` that add up to the whole; what does not divide goes to the largest remainders."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("Weights are not negative, and at least one is positive.")
        sign = -1 if self.cents < 0 else 1
        shares = [divmod(abs(self.cents) * weight, total) for weight in weights]
        left = abs(self.cents) - sum(whole for whole, _ in shares)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))
        extra = set(by_remainder[:left])
        return [Money(sign * (whole + (i in extra)), self.currency) for i, (whole, _) in enumerate(shares)]

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise TypeError("Money is added to and compared with money.")
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency}")
        return other.cents

    def __add__(self, other: "Money") -> "Money":
        return Money(self.cents + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.cents - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        if not isinstance(times, int) or isinstance(times, bool):
            raise TypeError("Money is multiplied by whole numbers; round() decides about fractions.")
        return Money(self.cents * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Money":
        return Money(-self.cents, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.cents < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.cents <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.cents > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.cents >= self._same(other)

    def __bool__(self) -> bool:
        return self.cents != 0

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:.{exponent(self.currency)}f}"


@dataclass(frozen=True, slots=True)
class Micros:
    """A price below a cent: whole millionths of the currency's main unit, rounded to money once, at the line."""

    micros: int
    currency: str

    @classmethod
    def of(cls, amount: str | int | Decimal, currency: str) -> Self:
        """From a decimal amount of at most six places."""
        if isinstance(amount, float):
            raise TypeError("A float is no exact amount; pass a string or a Decimal.")
        scaled = Decimal(amount).scaleb(6)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more than six decimal places.")
        return cls(int(scaled), currency)

    @classmethod
    def from_money(cls, money: Money) -> Self:
        """The same amount, without loss."""
        return cls(money.cents * 10 ** (6 - exponent(money.currency)), money.currency)

    @property
    def amount(self) -> Decimal:
        """The amount with six decimals."""
        return Decimal(self.micros).scaleb(-6)

    def to_money(self) -> Money:
        """Rounded half up to the currency's smallest unit."""
        cents = self.amount.scaleb(exponent(self.currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return Money(int(cents), self.currency)
