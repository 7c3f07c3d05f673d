// Signs and verifies identity tokens as Google's own library does. One JSON object a line in, one a line out:
//
//   {"op":"sign","header","claims","key":"PEM"}                     ->  {"token":".."}
//   {"op":"verify","token","keys":{"kid":"PEM"},"audience"}         ->  {"verified":true|false,"why":".."}

import { createInterface } from "node:readline";
import { OAuth2Client } from "google-auth-library";
import jws from "jws";

const ISSUERS = ["accounts.google.com", "https://accounts.google.com"];

const ops = {
  sign: ({ header, claims, key }) => ({ token: jws.sign({ header, payload: claims, secret: key }) }),
  verify: async ({ token, keys, audience }) => {
    try {
      await new OAuth2Client().verifySignedJwtWithCertsAsync(token, keys, audience, ISSUERS);
      return { verified: true };
    } catch (error) {
      return { verified: false, why: String(error.message).split("\n")[0] };
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(await ops[question.op](question)));
}
