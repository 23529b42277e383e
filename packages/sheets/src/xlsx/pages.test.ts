import fc from "fast-check";
import { expect, test } from "vitest";
import { PAGE_SHIFT, Pages } from "./pages.ts";

/** Pages of which every word tells its place, with the least budget that there is: four pages. */
function filled(count: number): Pages {
  const pages = new Pages(1);
  for (let number = 0; number < count; number++) {
    const page = pages.add(1);
    for (let word = 0; word < page.length; word++) page[word] = (number << PAGE_SHIFT) | word;
  }
  return pages;
}

const inMemory = (pages: Pages): number => pages.inMemory.filter((page) => page !== undefined).length;

test("past the budget pages move to the file, the oldest first, and come back as they were", () => {
  const pages = filled(20);
  expect(pages.inMemory.map((page) => page !== undefined)).toEqual([...Array(16).fill(false), ...Array(4).fill(true)]);
  for (const number of [0, 15, 7, 0]) {
    const page = pages.inMemory[number] ?? pages.fetch(number);
    expect([page[0], page.at(-1)]).toEqual([number << PAGE_SHIFT, ((number + 1) << PAGE_SHIFT) - 1]);
    expect(inMemory(pages)).toBe(4);
  }
  pages.close();
});

test("a look at a page in the file reads the words that stand there, and leaves it where it is", () => {
  const pages = filled(40);
  const place = fc.tuple(fc.integer({ min: 0, max: 35 }), fc.integer({ min: 0, max: (1 << PAGE_SHIFT) - 1 }));
  let looks = 0;
  fc.assert(
    fc.property(place, ([number, word]) => {
      const words = pages.peek(number, word);
      if (!words) return;
      looks++;
      expect(words.length).toBe(Math.min(1024, (1 << PAGE_SHIFT) - word));
      expect([words[0], words.at(-1)]).toEqual(
        [word, word + words.length - 1].map((word) => (number << PAGE_SHIFT) | word),
      );
    }),
    { numRuns: 200 },
  );
  expect(looks).toBeGreaterThan(50);
  expect(inMemory(pages)).toBe(4);
  expect(pages.inMemory[0]).toBeUndefined();
  pages.close();
});

test("a page that is looked at twice in a row is better fetched", () => {
  const pages = filled(20);
  expect(pages.peek(3, 5)?.[0]).toBe((3 << PAGE_SHIFT) | 5);
  expect(pages.peek(3, 6)).toBeUndefined();
  pages.close();
});
