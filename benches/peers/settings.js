// Node-RED for the benchmark: no editor, no files, nothing logged but errors.
const crypto = require("crypto");

module.exports = {
    uiHost: "127.0.0.1",
    uiPort: process.env.PORT,
    httpAdminRoot: false,
    httpNodeRoot: "/",
    userDir: process.env.WORK,
    flowFile: "flows.json",
    credentialSecret: false,
    diagnostics: { enabled: false, ui: false },
    telemetry: { enabled: false },
    functionGlobalContext: { crypto },
    logging: { console: { level: "error", metrics: false, audit: false } },
};
