'use strict';

// What the forms' menus offer.

const { api } = require('../lib/api');

const list = (key, noun, items, sample) => ({
  key,
  noun,
  display: { label: `List of ${noun}s`, description: `The ${noun.toLowerCase()}s, for menus.`, hidden: true },
  operation: { type: 'polling', perform: items, sample },
});

const connections = async (z, bundle) => {
  const { data } = await z.request(api(bundle, 'connections'));
  return data.items.map(({ name, state }) => ({ id: name, name, state }));
};

const rules = async (z, bundle) => {
  const { data } = await z.request(api(bundle, 'rules'));
  return data.items.map((rule) => ({ id: rule.id || rule }));
};

const sources = async (z, bundle) => {
  const { data } = await z.request(api(bundle, 'rules'));
  return data.sources.map((name) => ({ id: name, name }));
};

module.exports = [
  list('connection_list', 'Connection', connections, { id: 'crm', name: 'crm', state: 'well' }),
  list('rule_list', 'Rule', rules, { id: 'pricing-lead' }),
  list('source_list', 'Source', sources, { id: 'leads', name: 'leads' }),
];
