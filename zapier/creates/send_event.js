'use strict';

const { hook } = require('../lib/api');

module.exports = {
  key: 'send_event',
  noun: 'Event',
  display: {
    label: 'Send Event',
    description: 'Sends an event to a catch source, where the rules judge it.',
  },
  operation: {
    inputFields: [
      {
        key: 'source',
        label: 'Source',
        type: 'string',
        required: true,
        dynamic: 'source_list.name.name',
        helpText: 'A source of the kind `catch`, by its name in your rule files.',
      },
      {
        key: 'secret',
        label: 'Secret of the source',
        type: 'password',
        required: true,
        helpText: 'What the source\'s `auth` has as `bearer`.',
      },
      {
        key: 'fields',
        label: 'Fields',
        dict: true,
        required: true,
        helpText: 'What the rules see as `params`. `lead__name` is `name` in `lead`.',
      },
    ],
    perform: async (z, bundle) => {
      const { source, secret, fields } = bundle.inputData;
      const headers = { Authorization: `Bearer ${secret}` };
      const { data } = await z.request({ method: 'POST', url: hook(bundle, source), headers, body: fields });
      return data;
    },
    sample: { status: 'success', id: '17', rules: ['pricing-lead'], duplicate: false, reply: null },
    outputFields: [
      { key: 'id', label: 'Event ID' },
      { key: 'rules[]', label: 'Rules that matched' },
      { key: 'duplicate', label: 'Duplicate', type: 'boolean' },
      { key: 'reply', label: 'Reply' },
    ],
  },
};
