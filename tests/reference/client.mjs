// Drives `tagrelay lsp` as VS Code does, with the same library: a question in JSON on a line, an answer on a line.
//
//   {"op":"start","program":"..","folder":"..","arguments":[..],"environment":{..}}   what the server can do
//   {"op":"open","path":"..","text":".."}            opens a file, or changes it
//   {"op":"marks","path":"..","code":"E005"}         waits until that is marked in a file; without a code, until nothing is
//   {"op":"mends","path":"..","line":0}              code actions
//   {"op":"all","path":".."}                         the code action that mends the whole set
//   {"op":"format","path":".."}                      edits
//   {"op":"hover","path":"..","line":0,"character":0}          what is shown; in the same way "complete", "definition",
//                                                    "references", and "rename" with "to"
//   {"op":"symbols","path":".."}                     the outline
//   {"op":"lenses","path":".."}                      waits until there are lenses
//   {"op":"log"}                                     waits until the server's log says something
//   {"op":"stop"}                                    the status that it ends with

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver-protocol/node";

let server;
let connection;
const marks = new Map();
const opened = new Map();
const uri = (path) => pathToFileURL(path).href;

const watched = [];
const said = [];

const start = async ({ program, folder, arguments: more = [], environment = {} }) => {
  const env = { ...process.env, ...environment };
  server = spawn(program, ["lsp", ...more], { cwd: "/", env, stdio: ["pipe", "pipe", "inherit"] });
  connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => marks.set(uri, diagnostics));
  connection.onNotification("window/logMessage", ({ message }) => said.push(message));
  connection.onRequest("client/registerCapability", ({ registrations }) => void watched.push(...registrations));
  connection.onRequest("workspace/codeLens/refresh", () => null);
  connection.listen();
  const capabilities = {
    textDocument: { completion: { completionItem: { snippetSupport: true } } },
    workspace: { codeLens: { refreshSupport: true }, didChangeWatchedFiles: { dynamicRegistration: true } },
  };
  const params = { processId: process.pid, rootUri: uri(folder), workspaceFolders: null, capabilities };
  const answer = await connection.sendRequest("initialize", params);
  await connection.sendNotification("initialized", {});
  return answer;
};

const open = async ({ path, text }) => {
  const version = (opened.get(path) ?? 0) + 1;
  opened.set(path, version);
  const textDocument = { uri: uri(path), languageId: "yaml", version };
  if (version === 1) {
    await connection.sendNotification("textDocument/didOpen", { textDocument: { ...textDocument, text } });
  } else {
    await connection.sendNotification("textDocument/didChange", { textDocument, contentChanges: [{ text }] });
  }
  return {};
};

// What is wanted must come within a while; a mended file is told too, so nothing is never the first state.
const wait = async ({ path, code }) => {
  for (let left = 200; left > 0; left -= 1) {
    const found = marks.get(uri(path));
    if (found && (code ? found.some((mark) => mark.code === code) : found.length === 0)) return { marks: found };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${path}: ${JSON.stringify(marks.get(uri(path)))}`);
};

// Asks again until there is something.
const until = async (ask) => {
  for (let left = 200; left > 0; left -= 1) {
    const found = await ask();
    if (found && found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nothing came");
};

const stop = async () => {
  const ended = new Promise((resolve) => server.on("exit", resolve));
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  return { status: await ended };
};

const answer = async (question) => {
  const textDocument = question.path && { uri: uri(question.path) };
  const position = { line: question.line, character: question.character };
  const at = { textDocument, position };
  switch (question.op) {
    case "start":
      return start(question);
    case "open":
      return open(question);
    case "marks":
      return wait(question);
    case "mends": {
      const range = { start: { line: question.line, character: 0 }, end: { line: question.line, character: 999 } };
      const params = { textDocument, range, context: { diagnostics: [] } };
      return { mends: await connection.sendRequest("textDocument/codeAction", params) };
    }
    case "all": {
      const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
      const params = { textDocument, range, context: { diagnostics: [], only: ["source.fixAll"] } };
      return { mends: await connection.sendRequest("textDocument/codeAction", params) };
    }
    case "hover":
      return { shown: await connection.sendRequest("textDocument/hover", at) };
    case "complete":
      return { items: await connection.sendRequest("textDocument/completion", at) };
    case "definition":
      return { places: await connection.sendRequest("textDocument/definition", at) };
    case "references": {
      const context = { includeDeclaration: true };
      return { places: await connection.sendRequest("textDocument/references", { ...at, context }) };
    }
    case "rename": {
      const placed = await connection.sendRequest("textDocument/prepareRename", at);
      const edit = await connection.sendRequest("textDocument/rename", { ...at, newName: question.to });
      return { placed, edit };
    }
    case "symbols":
      return { symbols: await connection.sendRequest("textDocument/documentSymbol", { textDocument }) };
    case "lenses":
      return { lenses: await until(() => connection.sendRequest("textDocument/codeLens", { textDocument })) };
    case "log":
      return { said: await until(() => said), watched };
    case "format": {
      const options = { tabSize: 2, insertSpaces: true };
      return { edits: await connection.sendRequest("textDocument/formatting", { textDocument, options }) };
    }
    case "stop":
      return stop();
    default:
      throw new Error(`no such op: ${question.op}`);
  }
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ fault: String(error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
process.exit(0);
