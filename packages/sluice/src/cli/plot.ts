// A plot as SVG: lines over two axes that are logarithmic, since each step of the sizes is ten
// times the last one. It needs no fonts, scripts or styles of another place, and follows the
// reader's light or dark theme.
import { grouped } from "../grouped.ts";

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** All values are above 0. */
  readonly series: readonly Series[];
}

// The size of the plot and its margins, in the units of its viewBox. The names of the lines are in
// the right margin.
const [WIDTH, HEIGHT] = [720, 440];
const [LEFT, RIGHT, TOP, BOTTOM] = [80, 110, 50, 60];
/**
 * The colours of the lines. The lines also differ by their dashes and by the names at their ends.
 */
const LINES = ["#3b6fd4", "#c2571a", "#2c8a57", "#9a4fb5"];
const DASHES = ["", "7 4", "2 4", "10 4 2 4"];
/** The least room between the names of two lines. */
const NAME_ROOM = 16;

/** The plot as the text of an SVG file. */
export function svgPlot({ title, x, y, series }: Plot): string {
  const points = series.flatMap((each) => each.points);
  const across = scale(points.map((point) => point.x), LEFT, WIDTH - RIGHT); // prettier-ignore
  const up = scale(points.map((point) => point.y), HEIGHT - BOTTOM, TOP); // prettier-ignore
  const ends = spread(series.map(({ points: own }) => up.at(own.at(-1)!.y)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<style>svg { color: #222; background: #fff } @media (prefers-color-scheme: dark) { svg { color: #ddd; background: #181818 } }</style>`,
    `<text x="${LEFT}" y="26" font-size="16" fill="currentColor">${escaped(title)}</text>`,
    ...across.ticks.map(
      (tick) =>
        `<path d="M${across.at(tick)} ${TOP}V${HEIGHT - BOTTOM}" stroke="currentColor" opacity=".15"/><text x="${across.at(tick)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="currentColor">${shown(tick)}</text>`,
    ),
    ...up.ticks.map(
      (tick) =>
        `<path d="M${LEFT} ${up.at(tick)}H${WIDTH - RIGHT}" stroke="currentColor" opacity=".15"/><text x="${LEFT - 8}" y="${up.at(tick) + 4}" text-anchor="end" fill="currentColor">${shown(tick)}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle" fill="currentColor">${escaped(x)}</text>`,
    `<text transform="translate(16 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle" fill="currentColor">${escaped(y)}</text>`,
    ...series.map(({ name, points: own }, n) => {
      const line = own.map((point) => `${across.at(point.x)} ${up.at(point.y)}`).join("L");
      const colour = LINES[n % LINES.length]!;
      const dots = own.map((point) => `<circle cx="${across.at(point.x)}" cy="${up.at(point.y)}" r="3" fill="${colour}"><title>${escaped(`${name}, ${shown(point.x)}: ${shown(point.y)}`)}</title></circle>`); // prettier-ignore
      return `<path d="M${line}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${DASHES[n % DASHES.length]}"/>${dots.join("")}<text x="${WIDTH - RIGHT + 8}" y="${ends[n]! + 4}" fill="${colour}">${escaped(name)}</text>`;
    }),
    "</svg>\n",
  ].join("\n");
}

interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

/**
 * A logarithmic scale, from the power of ten at or below the least value to the one at or above the
 * greatest.
 */
function scale(values: readonly number[], from: number, to: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => Math.round(from + ((Math.log10(value) - low) / (high - low)) * (to - from)),
    ticks: Array.from({ length: high - low + 1 }, (_, n) => 10 ** (low + n)),
  };
}

/** Heights of names that would cover each other, moved apart. */
function spread(heights: readonly number[]): number[] {
  const moved = [...heights];
  let last = Number.NEGATIVE_INFINITY;
  for (const { n } of heights.map((height, n) => ({ height, n })).sort((a, b) => a.height - b.height))
    last = moved[n] = Math.max(moved[n]!, last + NAME_ROOM);
  return moved;
}

function shown(value: number): string {
  return grouped(Math.round(value));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
