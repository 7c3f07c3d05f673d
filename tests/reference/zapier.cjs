// Zapier's own test harness with our integration: a JSON line in, a JSON line out.
//
//   {"op":"validate"}                                        what Zapier's schema finds wrong with it
//   {"op":"run","what":["triggers","tag_added","perform"],"bundle":{..}}   what an operation gives, or its error

'use strict';

const readline = require('node:readline');

// What it logs must not stand between the answers.
console.log = console.error;

const zapier = require('zapier-platform-core');

const app = require('./index.js');

const run = zapier.createAppTester(app);

const operation = ([kind, key, name]) => (kind === 'authentication' ? app.authentication[key] : app[kind][key].operation[name]);

const answer = async ({ op, what, bundle }) => {
  if (op === 'validate') {
    const { results } = await zapier.createAppHandler(app)({ command: 'validate' }, {});
    return { errors: results };
  }
  return { result: await run(operation(what), bundle) };
};

const main = async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const told = await answer(JSON.parse(line)).catch((error) => ({ error: String(error.message) }));
    process.stdout.write(`${JSON.stringify(told)}\n`);
  }
};

main();
