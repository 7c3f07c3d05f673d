'use strict';

const { api } = require('./lib/api');

module.exports = {
  type: 'custom',
  fields: [
    {
      key: 'base_url',
      label: 'Address of the gateway',
      type: 'string',
      required: true,
      helpText: 'Where Zapier reaches your gateway, such as https://tags.example.com',
    },
    {
      key: 'token',
      label: 'Token',
      type: 'password',
      required: true,
      helpText: 'The gateway\'s `TAGRELAY_ADMIN_TOKEN`. The viewer\'s token may only look.',
    },
  ],
  // Asks for something that needs the token.
  test: async (z, bundle) => {
    const { data } = await z.request(api(bundle, 'connections'));
    return { gateway: new URL(bundle.authData.base_url).host, connections: data.items.length };
  },
  connectionLabel: '{{gateway}}',
};
