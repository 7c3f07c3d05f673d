//! What `POST /customers/search` takes (docs.helpcrunch.com/rest-api-v1/search-customers-v1).

use serde_json::{Value, json};

/// A search whose filters must all hold.
#[derive(Debug, Clone)]
pub struct Search {
    /// What must hold.
    pub filters: Vec<Filter>,
    /// How many customers to return at most. Two are enough to see that a person isn't the only one.
    pub limit: u32,
}

/// One condition.
#[derive(Debug, Clone)]
pub struct Filter {
    /// The field after `customers.`: `email`, `phone`, `userId`, ...
    pub field: String,
    /// What it must be equal to.
    pub value: Value,
}

impl Search {
    pub(super) fn body(&self) -> Value {
        let filters: Vec<Value> = self.filters.iter().map(Filter::body).collect();
        json!({ "comparison": "AND", "filter": filters, "offset": 0, "limit": self.limit })
    }
}

impl Filter {
    fn body(&self) -> Value {
        json!({ "field": format!("customers.{}", self.field), "operator": "=", "value": self.value })
    }
}
