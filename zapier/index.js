'use strict';

// tagrelay in Zapier. Each gateway is somebody's own, so an account is an address and a token.

const { version: platformVersion } = require('zapier-platform-core');

const { version } = require('./package.json');
const authentication = require('./authentication');
const { withToken, told } = require('./lib/api');
const hooks = require('./triggers/hooks');
const lists = require('./triggers/lists');
const sendEvent = require('./creates/send_event');
const tags = require('./creates/tags');
const findContact = require('./searches/find_contact');

const byKey = (all) => Object.fromEntries(all.map((one) => [one.key, one]));

module.exports = {
  version,
  platformVersion,
  authentication,
  beforeRequest: [withToken],
  afterResponse: [told],
  // A form's empty field is no field.
  flags: { cleanInputData: true },
  triggers: byKey([...hooks, ...lists]),
  creates: byKey([sendEvent, ...tags]),
  searches: byKey([findContact]),
};
