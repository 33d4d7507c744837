/** Numbers and what is counted, as a language writes them. */
export type Forms = Readonly<Partial<Record<Intl.LDMLPluralRule, string>>> & {
  readonly other: string;
};

export function countsOf(locale: string) {
  const rules = new Intl.PluralRules(locale);
  const numbers = new Intl.NumberFormat(locale);
  const count = (n: number) => numbers.format(n);
  return {
    count,
    /** "1 page", "2 pages"; in Russian the form changes with the last digits. */
    plural: (n: number, forms: Forms) => `${count(n)} ${forms[rules.select(n)] ?? forms.other}`,
  };
}
