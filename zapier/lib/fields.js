'use strict';

// Fields that several forms have.

const connection = {
  key: 'connection',
  label: 'Connection',
  type: 'string',
  dynamic: 'connection_list.name.name',
  helpText: 'The account at a provider, by its name in your rule files.',
};

const rule = {
  key: 'rule',
  label: 'Rule',
  type: 'string',
  dynamic: 'rule_list.id.id',
  helpText: 'The rule by its id; `*` stands for any run of characters.',
};

const tag = {
  key: 'tag',
  label: 'Tag',
  type: 'string',
  helpText: 'The tag by its name; `*` stands for any run of characters.',
};

const contact = {
  key: 'contact',
  label: 'Contact',
  type: 'string',
  required: true,
  helpText: 'The contact\'s id at the provider, or `email:ana@example.com`, or `phone:+573001234567`.',
};

module.exports = { connection, rule, tag, contact };
