// What the tasks of parallel.ts compute, the same in every contender and in Go.

/** Fibonacci numbers up to this one, and arrays up to that length, are one task. */
export const smallFib = 22;
export const smallSort = 20_000;

export function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

/** The same, in no time. */
export function fibonacci(n: number): number {
  let [a, b] = [0, 1];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}

/** One row of the set; the sum of its iterations. */
export function mandelbrot(row: number, size: number): number {
  let sum = 0;
  const ci = (2 * row) / size - 1;
  for (let column = 0; column < size; column++) {
    const cr = (3 * column) / size - 2;
    let [r, i, n] = [0, 0, 0];
    while (n < 100 && r * r + i * i < 4) {
      [r, i] = [r * r - i * i + cr, 2 * r * i + ci];
      n++;
    }
    sum += n;
  }
  return sum;
}

/** One row of the product. */
export function multiply(a: Float64Array, b: Float64Array, c: Float64Array, row: number): void {
  const n = Math.sqrt(a.length);
  for (let k = 0; k < n; k++) {
    const factor = a[row * n + k]!;
    for (let column = 0; column < n; column++) {
      c[row * n + column] = c[row * n + column]! + factor * b[k * n + column]!;
    }
  }
}

/** Hoare's partition: where the second part begins. */
export function partition(values: Int32Array, from: number, to: number): number {
  const pivot = values[(from + to) >> 1]!;
  let [i, j] = [from, to - 1];
  for (;;) {
    while (values[i]! < pivot) i++;
    while (values[j]! > pivot) j--;
    if (i >= j) return Math.max(i, from + 1);
    const value = values[i]!;
    values[i++] = values[j]!;
    values[j--] = value;
  }
}

/** Fills an array with numbers in no order, always the same ones. */
export function scatter(values: Int32Array): void {
  let seed = 1;
  for (let i = 0; i < values.length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    values[i] = seed;
  }
}
