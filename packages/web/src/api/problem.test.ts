import { expect, test } from "vitest";
import { parseAnswer, Problem, toProblem, unreachable } from "./problem.ts";

test("each refusal has its text and its code", () => {
  const bodies = ['{"detail":"d","code":"c","import":"i","title":"t"}', '{"error":"e","title":"t"}', '{"title":"t"}', '{"detail":"","error":7,"title":"t"}', '{"detail":""}', '{"code":7}', "[]", "null", '"x"', "<html>", ""]; // prettier-ignore
  const said = ({ status, code, message, more, isAway, name }: Problem): string => JSON.stringify([name, status, code, isAway, message, more]); // prettier-ignore
  expect([...bodies.map((body) => said(toProblem(400, body))), ...[500, 501, 502, 503, 504, 505].map((status) => said(toProblem(status, "<html>"))), said(toProblem(503, '{"code":"no_room","detail":"d"}')), said(unreachable())]).toMatchSnapshot(); // prettier-ignore
});

test("an answer is an object with something in it", () => {
  expect(parseAnswer(200, '{"a":1}')).toEqual({ a: 1 });
  for (const body of ["", "{}", "[]", "[1]", "null", "x"])
    expect(() => parseAnswer(202, body)).toThrow(new Problem(202, "no_answer", "The server answered with status 202 and no explanation.")); // prettier-ignore
});
