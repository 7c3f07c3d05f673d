'use strict';

// What happened at the gateway, told as it happens (REST hooks). An id is the same each time that something is told, so that
// Zapier runs once for each.

const { api, given } = require('../lib/api');
const fields = require('../lib/fields');

const who = [
  { key: 'connection', label: 'Connection' },
  { key: 'contact', label: 'Contact' },
  { key: 'contact_id', label: 'Contact ID' },
];
const whence = [
  { key: 'rule', label: 'Rule' },
  { key: 'event', label: 'Event ID' },
];
// Of a change that was delivered, or can't be.
const change = {
  connection: 'crm',
  contact: 'id:1568834',
  contact_id: '1568834',
  rule: 'pricing-lead',
  event: '17',
  delivery: 93,
};
// What is brought about at a provider is told of each tag.
const ofTag = ({ done, ...words }) => ({
  key: `tag_${done}`,
  event: `tag.${done}`,
  noun: 'Tag',
  ...words,
  filters: ['connection', 'rule', 'tag'],
  data: { ...change, tag: 'Lead' },
  outputFields: [...who, { key: 'tag', label: 'Tag' }, ...whence],
});

const TOPICS = [
  ofTag({
    done: 'added',
    label: 'Tag Added',
    description: 'Triggers when a tag was added to a contact at its provider.',
  }),
  ofTag({
    done: 'removed',
    label: 'Tag Removed',
    description: 'Triggers when a tag was removed from a contact at its provider.',
  }),
  {
    key: 'rule_fired',
    event: 'rule.fired',
    noun: 'Rule',
    label: 'Rule Fired',
    description: 'Triggers when a rule matched an event.',
    filters: ['rule'],
    data: {
      rule: 'pricing-lead',
      event: '17',
      source: 'website-bot',
      intent: 'pricing.inquiry',
      language: 'es',
      received_at: '2026-03-02T20:00:00.000Z',
      contacts: [{ connection: 'crm', contact: 'id:1568834', contact_id: '1568834' }],
    },
    outputFields: [...whence, { key: 'source', label: 'Source' }, { key: 'intent', label: 'Intent' }],
  },
  {
    key: 'dead_letter',
    event: 'dead_letter.created',
    noun: 'Dead Letter',
    label: 'Dead Letter',
    description: 'Triggers when a change can\'t be delivered without a person.',
    filters: ['connection', 'rule', 'tag'],
    data: {
      ...change,
      change: '17.0',
      wanted: 'add',
      subject: 'Lead',
      cause: 'unknown_contact',
      needs: 'mend',
      reason: 'the provider knows no such contact',
    },
    outputFields: [
      ...who,
      ...whence,
      { key: 'wanted', label: 'Wanted' },
      { key: 'subject', label: 'Tag or Field' },
      { key: 'reason', label: 'Reason' },
    ],
  },
  {
    key: 'connection_paused',
    event: 'connection.paused',
    noun: 'Connection',
    label: 'Connection Paused',
    description: 'Triggers when a connection is not called any more: its credentials are refused, or it fails.',
    filters: ['connection'],
    data: { connection: 'crm', state: 'paused', reason: 'the credentials are refused (401)' },
    outputFields: [
      { key: 'connection', label: 'Connection' },
      { key: 'state', label: 'State' },
      { key: 'reason', label: 'Reason' },
    ],
  },
];

// All that later steps use is at the top.
const flat = ({ id, type, timestamp, data }) => ({ id, type, timestamp, ...data });

const trigger = ({ key, event, noun, label, description, filters, data, outputFields }) => ({
  key,
  noun,
  display: { label, description },
  operation: {
    type: 'hook',
    inputFields: filters.map((name) => fields[name]),
    performSubscribe: async (z, bundle) => {
      const body = { target_url: bundle.targetUrl, event, ...given(bundle.inputData, filters) };
      const { data: subscription } = await z.request({ method: 'POST', url: api(bundle, 'subscriptions'), body });
      return { id: subscription.id };
    },
    performUnsubscribe: async (z, bundle) => {
      const url = api(bundle, 'subscriptions', bundle.subscribeData.id);
      const response = await z.request({ method: 'DELETE', url, skipThrowForStatus: true });
      // One that has ended already is as good.
      if (response.status !== 404) {
        response.throwForStatus();
      }
      return { id: bundle.subscribeData.id };
    },
    perform: (z, bundle) => [bundle.cleanedRequest].flat().map(flat),
    performList: async (z, bundle) => {
      const params = { event, ...given(bundle.inputData, filters) };
      const { data: page } = await z.request({ url: api(bundle, 'subscriptions', 'sample'), params });
      return page.items.map(flat);
    },
    sample: flat({ id: `${event}-example`, type: event, timestamp: '2026-03-02T20:00:00.000Z', data }),
    outputFields: [{ key: 'id', label: 'ID' }, { key: 'timestamp', label: 'Time' }, ...outputFields],
  },
});

module.exports = TOPICS.map(trigger);
