// Writes the peers' configuration into a folder: `node write.js FOLDER INTENTS`.
//
// Both verify the sender as far as they can and tell INTENTS intents apart. Node-RED verifies the Standard Webhooks
// signature that tagrelay verifies too; `webhook` knows only signatures over the body alone, in X-Hub-Signature-256.
const fs = require("fs");
const path = require("path");

const [folder, intents] = [process.argv[2], Number(process.argv[3])];
const secret = "whsec_dGFncmVsYXktYmVuY2htYXJrLXNlY3JldC0zMmI=";
const names = Array.from({ length: intents }, (_, n) => `topic-${String(n).padStart(5, "0")}.ask`);

// `webhook` is told to answer with the command's output, that is, when its work is done, as tagrelay answers when an event is
// on disk. Without that it answers first, and what it has yet to run piles up without bound.
const hook = {
    id: "intake",
    "execute-command": "/bin/true",
    "include-command-output-in-response": true,
    "trigger-rule-mismatch-http-response-code": 403,
    "trigger-rule": {
        and: [
            {
                match: {
                    type: "payload-hmac-sha256",
                    secret,
                    parameter: { source: "header", name: "X-Hub-Signature-256" },
                },
            },
            {
                or: names.map((value) => ({
                    match: {
                        type: "value",
                        value,
                        parameter: { source: "payload", name: "queryResult.intent.displayName" },
                    },
                })),
            },
        ],
    },
};
fs.writeFileSync(path.join(folder, "hooks.json"), JSON.stringify([hook]));

const verify = `
const crypto = global.get("crypto");
const { headers } = msg.req;
const key = Buffer.from(${JSON.stringify(secret.slice("whsec_".length))}, "base64");
const mac = crypto.createHmac("sha256", key);
mac.update(headers["webhook-id"] + "." + headers["webhook-timestamp"] + ".");
mac.update(msg.payload);
const expected = Buffer.from("v1," + mac.digest("base64"));
const given = Buffer.from(String(headers["webhook-signature"]));
if (expected.length !== given.length || !crypto.timingSafeEqual(expected, given)) {
    msg.statusCode = 401;
    msg.payload = {};
    return [null, msg];
}
msg.payload = JSON.parse(msg.payload);
return [msg, null];
`;
const answer = `
msg.payload = { fulfillmentText: "Thank you! We will call you today." };
return msg;
`;
const node = (id, type, wires, more) => ({ id, type, z: "flow", name: id, x: 100, y: 100, wires, ...more });
fs.writeFileSync(
    path.join(folder, "flows.json"),
    JSON.stringify([
        { id: "flow", type: "tab", label: "intake", disabled: false },
        node("hook", "http in", [["verify"]], { url: "/hooks/website-bot", method: "post", skipBodyParsing: true }),
        node("verify", "function", [["switch"], ["respond"]], { func: verify, outputs: 2, libs: [] }),
        node("switch", "switch", names.map(() => ["answer"]), {
            property: "payload.queryResult.intent.displayName",
            propertyType: "msg",
            rules: names.map((v) => ({ t: "eq", v, vt: "str" })),
            checkall: "false",
            outputs: names.length,
        }),
        node("answer", "function", [["respond"]], { func: answer, outputs: 1, libs: [] }),
        node("respond", "http response", [], { statusCode: "" }),
    ]),
);
