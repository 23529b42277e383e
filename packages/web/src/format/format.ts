// Numbers, sizes, times and plurals as the reader's locale writes them.

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** Writes everything for one locale; the browser's by default. */
export class Format {
  readonly #number: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #locale: string | undefined;

  constructor(locale?: string) {
    this.#locale = locale;
    this.#number = new Intl.NumberFormat(locale);
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    this.#date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  }

  /** `9987` → `9,987` */
  count(n: number): string {
    return this.#number.format(n);
  }

  /** `rows(1)` → `1 row` */
  counted(n: number, one: string, many: string = `${one}s`): string {
    return `${this.count(n)} ${n === 1 ? one : many}`;
  }

  percent(fraction: number): string {
    // Never "100 %" before all is done.
    return this.#percent.format(fraction < 1 ? Math.min(fraction, 0.99) : 1);
  }

  /** `1536` → `1.5 KiB` */
  bytes(size: number): string {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    const power = size > 0 ? Math.min(units.length - 1, Math.floor(Math.log2(size) / 10)) : 0;
    const value = size / 1024 ** power;
    const digits = power === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
    const number = new Intl.NumberFormat(this.#locale, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    return `${number.format(value)} ${units[power]}`;
  }

  /** `3100` → `3.1 s` */
  duration(milliseconds: number): string {
    const seconds = milliseconds / 1000;
    const number = (value: number, unit: string): string =>
      new Intl.NumberFormat(this.#locale, {
        style: "unit",
        unit,
        maximumFractionDigits: value < 10 && unit === "second" ? 1 : 0,
      }).format(value);
    if (seconds < MINUTE) return number(seconds, "second");
    if (seconds < HOUR)
      return `${number(Math.floor(seconds / MINUTE), "minute")} ${number(Math.floor(seconds % MINUTE), "second")}`;
    return `${number(Math.floor(seconds / HOUR), "hour")} ${number(Math.floor((seconds % HOUR) / MINUTE), "minute")}`;
  }

  date(iso: string): string {
    return this.#date.format(new Date(iso));
  }

  /**
   * `5 minutes ago`, for what is not long ago; else the date.
   * @param now milliseconds since 1970
   */
  ago(iso: string, now: number = Date.now()): string {
    const seconds = (new Date(iso).getTime() - now) / 1000;
    if (-seconds < MINUTE) return this.#relative.format(Math.min(0, Math.round(seconds)), "second");
    if (-seconds < HOUR) return this.#relative.format(Math.round(seconds / MINUTE), "minute");
    if (-seconds < DAY) return this.#relative.format(Math.round(seconds / HOUR), "hour");
    return this.date(iso);
  }
}
