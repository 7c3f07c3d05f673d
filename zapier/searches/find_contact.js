'use strict';

const { api } = require('../lib/api');
const fields = require('../lib/fields');

// Whether a tag is there, by the last word on it, or by what was seen at the provider since.
const isThere = ({ state, wanted, known }) => {
  if (state === 'not by us') {
    return known === true;
  }
  return wanted === 'add' && ['applied', 'already'].includes(state);
};

module.exports = {
  key: 'find_contact',
  noun: 'Contact',
  display: {
    label: 'Find Contact',
    description: 'Finds what the gateway knows of a contact: its tags, and what waits for it.',
  },
  operation: {
    inputFields: [{ ...fields.connection, required: true }, fields.contact],
    perform: async (z, bundle) => {
      const { connection, contact } = bundle.inputData;
      const { data } = await z.request(api(bundle, 'contacts', connection, contact));
      const tags = data.tags.filter(isThere).map(({ tag }) => tag);
      // Of whom nothing was ever asked, the gateway knows nothing.
      const isKnown = [data.tags, data.fields, data.waiting, data.dead_letters].some((list) => list.length > 0);
      const found = {
        id: `${connection}/${contact}`,
        connection,
        contact,
        tags,
        waiting: data.waiting.length,
        dead_letters: data.dead_letters.length,
      };
      return isKnown ? [found] : [];
    },
    sample: { id: 'crm/1568834', connection: 'crm', contact: '1568834', tags: ['Lead'], waiting: 0, dead_letters: 0 },
    outputFields: [
      { key: 'id', label: 'ID' },
      { key: 'tags[]', label: 'Tags' },
      { key: 'waiting', label: 'Changes that wait', type: 'integer' },
      { key: 'dead_letters', label: 'Dead letters', type: 'integer' },
    ],
  },
};
