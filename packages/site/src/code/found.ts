// What the index of the search keeps of each section: the build writes it, the page reads it.

/** A section of a page: a heading and what is below it. */
export interface Found {
  readonly page: string;
  readonly heading: string;
  /** The address of the place, below the root of the site, with the anchor. */
  readonly address: string;
  /** How its text begins. */
  readonly start: string;
}

/** How sections are indexed, and what is kept of them. */
export const OPTIONS: {
  fields: string[];
  storeFields: string[];
  searchOptions: { boost: Record<string, number>; prefix: boolean; fuzzy: number };
} = {
  fields: ["page", "heading", "text"],
  storeFields: ["page", "heading", "address", "start"],
  searchOptions: { boost: { page: 2, heading: 4 }, prefix: true, fuzzy: 0.15 },
};
