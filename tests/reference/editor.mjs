// Speaks with yaml-language-server as an editor does: a question in JSON on a line, an answer on a line.
//
//   {"op":"open","files":[{"path":"/..","text":".."}]}         opens files, and says nothing
//   {"op":"mark","files":[{"path":"/..","text":".."}]}         what it marks in each: [[{line, message}]]
//   {"op":"hover","path":"/..","line":0,"character":0}         what it shows: text
//   {"op":"complete","path":"/..","line":0,"character":0}      what it offers: [{label, insertText, ..}]

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";

const program = fileURLToPath(new URL("node_modules/yaml-language-server/bin/yaml-language-server", import.meta.url));
const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
process.on("exit", () => server.kill());

const settings = { yaml: { validate: true, hover: true, completion: true, schemaStore: { enable: false } } };
const answers = new Map();
const marks = new Map();
let count = 0;

const send = (message) => {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }));
  server.stdin.write(`Content-Length: ${body.length}\r\n\r\n`);
  server.stdin.write(body);
};

const ask = (method, params) =>
  new Promise((resolve) => {
    count += 1;
    answers.set(count, resolve);
    send({ id: count, method, params });
  });

const heard = ({ id, method, params, result, error }) => {
  if (method === "textDocument/publishDiagnostics") {
    marks.get(params.uri)?.(params.diagnostics);
  } else if (method === "workspace/configuration") {
    send({ id, result: params.items.map(({ section }) => settings[section] ?? {}) });
  } else if (method !== undefined && id !== undefined) {
    send({ id, result: null });
  } else if (method === undefined) {
    answers.get(id)?.(error ? { error } : result);
  }
};

let waiting = Buffer.alloc(0);
server.stdout.on("data", (bytes) => {
  waiting = Buffer.concat([waiting, bytes]);
  for (;;) {
    const end = waiting.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/Content-Length: (\d+)/i.exec(waiting.toString("latin1", 0, end))[1]);
    if (waiting.length < end + 4 + length) return;
    const message = JSON.parse(waiting.toString("utf8", end + 4, end + 4 + length));
    waiting = waiting.subarray(end + 4 + length);
    heard(message);
  }
});

const uri = (path) => pathToFileURL(path).href;
const at = ({ path, line, character }) => ({ textDocument: { uri: uri(path) }, position: { line, character } });
let version = 0;

const open = ({ path, text }) => {
  version += 1;
  const textDocument = { uri: uri(path), languageId: "yaml", version, text };
  send({ method: "textDocument/didOpen", params: { textDocument } });
};

// It waits a little before it looks at a file, so files are better opened together.
const mark = async (file) => {
  const marked = new Promise((resolve, reject) => {
    marks.set(uri(file.path), resolve);
    setTimeout(() => reject(new Error(`nothing is said of ${file.path}`)), 30_000).unref();
  });
  open(file);
  return (await marked).map(({ range, message }) => ({ line: range.start.line, message }));
};

const answer = async (question) => {
  switch (question.op) {
    case "open":
      question.files.forEach(open);
      return {};
    case "mark":
      return { marks: await Promise.all(question.files.map(mark)) };
    case "hover": {
      const said = await ask("textDocument/hover", at(question));
      return { text: said?.contents?.value ?? "" };
    }
    case "complete": {
      const said = await ask("textDocument/completion", at(question));
      return { items: said?.items ?? said ?? [] };
    }
    default:
      throw new Error(`no such op: ${question.op}`);
  }
};

await ask("initialize", {
  processId: process.pid,
  rootUri: null,
  capabilities: {
    workspace: { configuration: true },
    textDocument: {
      publishDiagnostics: {},
      hover: { contentFormat: ["markdown"] },
      completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
    },
  },
});
send({ method: "initialized", params: {} });
send({ method: "workspace/didChangeConfiguration", params: { settings } });

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ fault: String(error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
process.exit(0);
