// Rows of totals at the end of a sheet: what people write into the first cell of one. They are no records, but look like one.

/** In lower case; docs/inference.md lists them. */
export const TOTAL_WORDS: readonly string[] = [
  "total,totals,grand total,subtotal,sub-total,sum,average,mean,summe,gesamt,gesamtsumme,insgesamt",
  "zwischensumme,durchschnitt,mittelwert,total général,somme,moyenne,totale,somma,suma,promedio,soma,média",
  "totaal,gemiddelde,razem,итого,всего,сумма,toplam,合計,小計,总计,合计,합계",
].flatMap((line) => line.split(","));

/** How many such rows there are at the end, at most. */
export const MOST_TOTALS = 3;

const LONGEST_LABEL = 60;
const label = new RegExp(`^\\s*(?:${TOTAL_WORDS.join("|")})(?![\\p{L}\\p{N}])`, "iu");

/** `Total`, `Summe:`, `Grand total 2024`, but not `Totally Thai`. */
export function isTotalLabel(text: string): boolean {
  return text.length <= LONGEST_LABEL && label.test(text);
}
