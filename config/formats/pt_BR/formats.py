"""`22 nov. 2026`: Django writes `22 de Novembro de 2026`, and Portuguese has no capital there."""

DATE_FORMAT = "j b. Y"
DATETIME_FORMAT = "j b. Y, H:i"
MONTH_DAY_FORMAT = "j b."
MONTH_DAY_FORMAT = "j b."
