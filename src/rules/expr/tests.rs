//! The value rules, each by name, and the abuse that a rule file may try.
