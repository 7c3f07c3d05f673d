// Signs and verifies as the senders' own libraries do. One JSON object a line in, one a line out:
//
//   {"op":"sign","scheme","secret","body","id","seconds"}   ->  {"headers":{..}}
//   {"op":"verify","scheme","secret","body","headers"}      ->  {"verified":true|false}
//
// Twilio's also have "url", and "form" where the body is one.
//
// Anything else that a library throws is a fault: {"fault":".."}.

import { createInterface } from "node:readline";
import { validateSignature } from "@line/bot-sdk";
import * as octokit from "@octokit/webhooks-methods";
import { isValidSlackRequest } from "@slack/bolt/dist/receivers/verify-request.js";
import * as standard from "standardwebhooks";
import Stripe from "stripe";
import * as svix from "svix";
import twilio from "twilio/lib/webhooks/webhooks.js";

/** The scheme of Standard Webhooks, with the headers of one family. */
const family = (library, prefix) => ({
  sign: ({ secret, body, id, seconds }) => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(seconds),
    [`${prefix}-signature`]: new library.Webhook(secret).sign(id, new Date(seconds * 1000), body),
  }),
  verify: ({ secret, body, headers }) => {
    try {
      new library.Webhook(secret).verify(body, headers);
      return true;
    } catch (error) {
      if (error instanceof library.WebhookVerificationError) return false;
      // The body is parsed once its signature has passed, and ours need not be JSON.
      if (error instanceof SyntaxError) return true;
      throw error;
    }
  },
});

/** A form as Express hands it on: a name with several values has a list of them. */
const fields = (body) => {
  const found = {};
  for (const [name, value] of new URLSearchParams(body)) {
    found[name] = name in found ? [found[name], value].flat() : value;
  }
  return found;
};

const schemes = {
  "standard-webhooks": family(standard, "webhook"),
  svix: family(svix, "svix"),
  github: {
    sign: async ({ secret, body }) => ({ "x-hub-signature-256": await octokit.sign(secret, body) }),
    verify: ({ secret, body, headers }) => octokit.verify(secret, body, headers["x-hub-signature-256"]),
  },
  stripe: {
    sign: ({ secret, body, seconds }) => ({
      "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp: seconds }),
    }),
    verify: ({ secret, body, headers }) => {
      try {
        return Stripe.webhooks.signature.verifyHeader(body, headers["stripe-signature"], secret, 300);
      } catch (error) {
        if (error instanceof Stripe.errors.StripeSignatureVerificationError) return false;
        throw error;
      }
    },
  },
  // LINE's library only verifies.
  line: {
    verify: ({ secret, body, headers }) => validateSignature(body, secret, headers["x-line-signature"]),
  },
  // A form is signed with its fields; of another body the address has the hash, which is the caller's to put there.
  twilio: {
    sign: ({ secret, body, url, form }) => ({
      "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, form ? fields(body) : {}),
    }),
    verify: ({ secret, body, url, form, headers }) => {
      const signature = headers["x-twilio-signature"];
      return form
        ? twilio.validateRequest(secret, signature, url, fields(body))
        : twilio.validateRequestWithBody(secret, signature, url, body);
    },
  },
  // Bolt only verifies. The whole of it would start a web server's modules for these lines.
  slack: {
    verify: ({ secret, body, headers }) =>
      isValidSlackRequest({
        signingSecret: secret,
        body,
        headers: {
          "x-slack-signature": headers["x-slack-signature"],
          "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
        },
      }),
  },
};

const answer = async (question) => {
  const scheme = schemes[question.scheme];
  switch (question.op) {
    case "sign":
      return { headers: await scheme.sign(question) };
    case "verify":
      return { verified: await scheme.verify(question) };
    default:
      throw new Error(`no such op: ${question.op}`);
  }
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const said = await answer(JSON.parse(line)).catch((error) => ({ fault: String(error) }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
