// Judges values by a JSON Schema with ajv: a question in JSON on a line, an answer on a line.
//
//   {"op":"schema","schema":{..}}   what to judge by
//   {"op":"judge","values":[..]}    whether it accepts each
//   {"op":"read","texts":[..]}      the same for YAML; null where it is none

import { createInterface } from "node:readline";
import Ajv from "ajv";
import { parse } from "yaml";

let accepts;

const read = (text) => {
  try {
    return { value: parse(text, { logLevel: "error" }) };
  } catch {
    return undefined;
  }
};

const answer = ({ op, schema, values, texts }) => {
  switch (op) {
    case "schema":
      // Not strict: an editor's own keywords stand in it.
      accepts = new Ajv({ strict: false, logger: false }).compile(schema);
      return {};
    case "judge":
      return { verdicts: values.map((value) => accepts(value)) };
    case "read":
      return { verdicts: texts.map(read).map((read) => read && accepts(read.value)).map((said) => said ?? null) };
    default:
      throw new Error(`no such op: ${op}`);
  }
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  let said;
  try {
    said = answer(JSON.parse(line));
  } catch (error) {
    said = { fault: String(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
