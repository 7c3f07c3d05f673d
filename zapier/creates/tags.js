'use strict';

// Tags by hand: an event like any other, delivered in its turn.

const { api } = require('../lib/api');
const fields = require('../lib/fields');

const change = (key, word, label, description) => ({
  key,
  noun: 'Tag',
  display: { label, description },
  operation: {
    inputFields: [
      { ...fields.connection, required: true },
      fields.contact,
      { key: 'tags', label: 'Tags', type: 'string', list: true, required: true },
      { key: 'note', label: 'Note', type: 'string', helpText: 'Why, for whoever asks later.' },
    ],
    perform: async (z, bundle) => {
      const { connection, contact, tags, note } = bundle.inputData;
      const url = api(bundle, 'contacts', connection, contact, 'tags');
      const body = { [word]: [tags].flat().filter(Boolean), note: note || 'asked for by a Zap' };
      const { data } = await z.request({ method: 'POST', url, body });
      return { id: data.event, event: data.event, connection, contact };
    },
    sample: { id: '17', event: '17', connection: 'crm', contact: '1568834' },
    outputFields: [
      { key: 'event', label: 'Event ID' },
      { key: 'connection', label: 'Connection' },
      { key: 'contact', label: 'Contact' },
    ],
  },
});

module.exports = [
  change('add_tags', 'add', 'Add Tags', 'Adds tags to a contact.'),
  change('remove_tags', 'remove', 'Remove Tags', 'Removes tags from a contact.'),
];
