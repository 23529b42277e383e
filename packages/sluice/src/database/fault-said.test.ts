// What is said of each fault of a connection, and which of them is a loss.
import { expect, test } from "vitest";
import { describeError, SluiceError } from "../errors.ts";
import { codeOf, connectError, isConnectionLoss, lossError } from "./connection-fault.ts";

const fault = (code: unknown, message = "it says no"): Error => Object.assign(new Error(message), { code });

test("each fault has its code and its way out, and keeps its cause", () => {
  const faults: readonly unknown[] = [
    ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "28P01", "28000", "3D000", "08P01", "53300", "XX000", "CERT_HAS_EXPIRED", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "ACERT", "5CERT"].map((code) => fault(code)),
    fault("08P01", 'unsupported startup parameter: "options"'), fault("08P01", "unsupported startup parameter statement_timeout"), fault("08P01", "no more"), fault("DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed; more of it"),
    fault("", "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"), fault("", "fe_sendauth: No password supplied"), fault("", "The server does not support SSL connections"), new Error("plain"), "a text", undefined, new AggregateError([fault("ECONNREFUSED"), fault("ENOTFOUND")], ""), new AggregateError([new Error("x"), fault("ENOTFOUND")]), fault(7), new AggregateError([fault("ETIMEDOUT", "connect ETIMEDOUT 10.0.0.1:5432"), fault("EHOSTUNREACH")], ""), new AggregateError([], "nothing"),
  ]; // prettier-ignore
  const said = faults.map((one) => {
    const error = connectError(one, "the database");
    expect(error.cause).toBe(one);
    const { code, message, exitCode } = describeError(error);
    return `${codeOf(one) || "none"} → ${code} (${exitCode}): ${message}`;
  });
  expect(said).toMatchSnapshot();
  const ours = new SluiceError("standby", "m");
  expect(connectError(ours, "the database")).toBe(ours);
});

test("which errors are a lost connection, and which setting ended it", () => {
  const codes = ["57P01", "57P05", "57P00", "57P06", "25P03", "25P04", "25P02", "08000", "08P01", "08", "0800", "09000", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED", "ECONNREFUSED", "EPIPE2", "40001"]; // prettier-ignore
  expect(codes.filter((code) => isConnectionLoss(fault(code)))).toEqual(["57P01", "57P05", "25P03", "25P04", "08000", "08P01", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED", "ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_DESTROYED"]); // prettier-ignore
  const texts = ["Connection terminated unexpectedly", "Client has encountered a connection error and is not queryable", "it is not queryable", "connection ended", "connection is fine"]; // prettier-ignore
  expect(texts.map((text) => isConnectionLoss(new Error(text)))).toEqual([true, true, true, true, false]);
  expect([isConnectionLoss("connection ended"), isConnectionLoss(undefined)]).toEqual([false, false]);
  const losses = ["25P03", "25P04", "57P05", "57P01", ""].map((code) => {
    const cause = fault(code, "gone");
    const error = lossError(cause, "the database");
    expect(error.cause).toBe(cause);
    return `${error.code}: ${error.message}`;
  });
  expect(losses).toMatchSnapshot();
});
