// Digits of numbers as texts, in linear time: a cell may be as long as a file allows.

/** A text without the zeros at its end. (`/0+$/` takes quadratic time for `000…1`.) */
export function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}
