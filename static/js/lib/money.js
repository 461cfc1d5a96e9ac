// Money as the API sends it: { amount: "197.00", currency: "BRL" }.

export function money({ amount, currency }, language = document.documentElement.lang) {
    return new Intl.NumberFormat(language, { style: "currency", currency }).format(amount);
}
