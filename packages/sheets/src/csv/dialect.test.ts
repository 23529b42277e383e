// How a delimited text is written is found out, or said.
import { expect, test } from "vitest";
import { findDialect, type CsvOptions } from "./dialect.ts";

const dialect = (text: string, options: CsvOptions = {}, tabs = false): Record<string, unknown> => {
  const { delimiter, quote, ...rest } = findDialect(text, true, options, tabs);
  return { delimiter: String.fromCharCode(delimiter), quote: quote < 0 ? "" : String.fromCharCode(quote), ...rest };
};

test.each([
  ["a,b,c\n1,2,3\n", ","],
  ["a;b;c\n1;2;3\n", ";"],
  ["a\tb\n1\t2\n", "\t"],
  ["a|b|c\r\n1|2|3\r\n", "|"],
  // A decimal comma, a list in a field, punctuation.
  ["price;weight\n1,5;2,5\n3,5;4,5\n", ";"],
  ["name|tags\nx|a,b,c\ny|d,e\n", "|"],
  ["Doe, John;34\nRoe, Jane;35\n", ";"],
  ["id,note\n1,a; b; c\n2,d\n3,e; f\n", ","],
  ['a;"x,y,z";c\nd;"e,f,g";h\n', ";"],
  ['"a,b,c"\t"d"\n"e"\t"f,g"\n', "\t"],
  // Dates in words and decimals hold commas, and cut all records alike too.
  ["April 15, 2025;40;2.5;x;\nApril 14, 2025;41;2.5;y;\nMay 1, 2025;42;2.5;\n", ";"],
  ["10,5;20,3\n11,2;21,9\n", ";"],
  ["1,2,3\n4,5,6\n", ","],
  // If only the names have tabs, tabs do not part records. Then a comma is not a decimal one.
  ['day,"East\tA","West\tA","North\tA"\n1,20,30,4\n2,40,50,6\n3,41,52,7\n', ","],
  ["day\tEast\tWest\n1,5\t20,5\t3,5\n2,5\t40,5\t6,5\n", "\t"],
  // Keys with commas, values with tabs.
  ["a,b,c\t2019\t2020\t2021\nA,B,C\t1\t2\t3\n", "\t"],
  // Lines in front: of one field, of prose, of another width.
  ["Account\nPeriod: 2025\nn;type;sum;note\n1;a;5;\n2;b;6;\n", ";"],
  ["Prepared, with care, by us, and others\na;b;c\n1;2;3\n4;5;6\n", ";"],
  ["Export,28 Feb\na,b,c\n1,x;y,3\n2,x;y,4\n", ","],
  // A list in a frame of signs, with decimal commas.
  ["29.01.2025 List\n------------\n|a  |b    |\n------------\n|1  |5,00-|\n|2  |6,00 |\n------------\n", "|"],
  // Lines of one field agree with no delimiter.
  ["a|b,c,d\ne|f,g,h\ni,j,k\nl\nm\n", ","],
  // A single value with a delimiter in it is no column.
  ["c0\nv0\na;b\n", ","],
  ["note\nfirst; second\nthird; fourth\n", ","],
  // One column: the usual one.
  ["name\nAda\nBob\n", ","],
  ["", ","],
  // Ragged rows, blank lines and lines of another kind do not matter.
  ["a;b;c\n\n1;2\n3;4;5\n6;7;8;9\n10;11;12\n", ";"],
  ["a,b\r1,2\r3,4", ","],
])("the delimiter of %j is %j", (text, delimiter) => {
  expect(dialect(text)["delimiter"]).toBe(delimiter);
});

test("a name that says tab decides where the text does not", () => {
  expect(dialect("name\nAda\n", {}, true)["delimiter"]).toBe("\t");
  expect(dialect("a\tb,c\nd\te,f\n", {}, true)["delimiter"]).toBe("\t");
  expect(dialect("a,b,c\n1,2,3\n", {}, true)["delimiter"]).toBe(",");
});

test.each(["sep=;\na;b\n", "SEP=;\r\na,b;c\n", '"sep=;"\na;b\n', "sep=;"])("the line sep= decides: %j", (text) => {
  expect(dialect(text)).toMatchObject({ delimiter: ";", sepLine: true });
});

test("a last line that may be cut off does not count", () => {
  const text = `a,b,c,d\n${"1,2,3,4\n".repeat(3)}5;6;7;8;9`;
  expect(findDialect(text, false, {}, false).delimiter).toBe(0x2c);
});

test.each([
  ["'a','b'\n'1,5','2'\n", "'"],
  ["it's,that's\nhe's,she's\n", '"'],
  ["\"a\",'b'\n", '"'],
  ["'a',b\nc,d\n", '"'],
  ["a,b\n1,2\n", '"'],
])("the quote of %j is %s", (text, quote) => {
  expect(dialect(text)["quote"]).toBe(quote);
});

test.each([
  ['a,b\n"He said \\"hi\\" to me",1\n', true],
  ['a,b\n"x \\"y\\"",1\n', true],
  // A path that ends with a backslash, doubled quotes, and a backslash outside of quotes are no
  // sign.
  ['a,b\n"C:\\dir\\",1\n"D:\\",2\n', false],
  ['a,b\n"say ""hi""",1\n', false],
  ['a,b\nx\\"y,1\n', false],
])("backslashes escape quotes in %j: %s", (text, backslash) => {
  expect(dialect(text)["backslash"]).toBe(backslash);
});

test.each([
  ["a\tb\n1\t\\N\n", true],
  ["a\tb\n\\N\tx\\ty\n", true],
  ["a\tb\n\\N\tC:\\\\windows\n", true],
  // Without a NULL, with another backslash, with quotes, or with another delimiter it is not sure.
  ["a\tb\n1\tx\\ty\n", false],
  ["a\tb\n\\N\tC:\\windows\n", false],
  ['a\tb\n\\N\t"x"\n', false],
  ["a,b\n1,\\N\n", false],
  ["a\tb\n1\t\\Name\n", false],
])("%j is a dump: %s", (text, escapes) => {
  expect(findDialect(text, true, {}, false).escapes).toBe(escapes);
  expect(findDialect(text, true, { escape: "none" }, false).escapes).toBe(false);
  expect(findDialect(text, true, { escape: "backslash" }, false).escapes).toBe(true);
});

test.each([
  ['a, b\n1, "x, y"\n', true],
  ["a, b\n1, 2\n", false],
  ['a,b\n1, 5" pipe\n', false],
])("spaces in front of quotes are no text in %j: %s", (text, spaces) => {
  expect(dialect(text)["spaces"]).toBe(spaces);
});

test("what is said counts, whatever the text looks like", () => {
  expect(dialect("a,b\n1,2\n", { delimiter: "b" })["delimiter"]).toBe("b");
  expect(dialect("sep=;\na;b\n", { delimiter: "," })).toMatchObject({ delimiter: ",", sepLine: true });
  expect(dialect("'a','b'\n", { quote: '"' })["quote"]).toBe('"');
  expect(dialect('"a","b"\n', { quote: "" })["quote"]).toBe("");
});

test.each<CsvOptions>([
  { delimiter: "" },
  { delimiter: ";;" },
  { delimiter: "\n" },
  { delimiter: "é" },
  { delimiter: '"' },
  { quote: "ab" },
  { quote: "\r" },
  { escape: "slash" as "none" },
])("%j is a bad option", (options) => {
  expect(() => dialect('"a",b\n', options)).toThrow(expect.objectContaining({ code: "bad_option" }));
});
