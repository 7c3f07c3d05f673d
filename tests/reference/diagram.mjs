// Reads diagrams with Mermaid itself: a question in JSON on a line, an answer on a line.
//
//   {"op":"read","text":".."}   {"nodes":{"r0":["line", ..]},"edges":[["r0","c0",["line", ..]]],"groups":{"f0":["title"]}}

import { createInterface } from "node:readline";
import { JSDOM } from "jsdom";

// It draws in a page, and asks for one already when it reads.
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

// Between reading and drawing it keeps `#35;` as signs that have no meaning elsewhere.
const decoded = (text) =>
  text
    .replace(/ﬂ°°(\d+)¶ß/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/ﬂ°(\w+)¶ß/g, (_, name) => `&${name};`);
const lines = (label) => (label ?? "").split(/<br\s*\/?>/).map(decoded);

const read = async (text) => {
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const nodes = [...db.getVertices().values()].map(({ id, text }) => [id, lines(text)]);
  const groups = db.getSubGraphs().map(({ id, title }) => [id, lines(title)]);
  return {
    nodes: Object.fromEntries(nodes),
    edges: db.getEdges().map(({ start, end, text }) => [start, end, lines(text)]),
    groups: Object.fromEntries(groups),
  };
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const said = await read(JSON.parse(line).text).catch((error) => ({ fault: String(error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
process.exit(0);
