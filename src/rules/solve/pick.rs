//! What a search for one value comes to.

/// One of a set, or that it is empty, or that neither could be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick<T> {
    /// There is none: this is proven.
    Empty,
    /// This one is in it.
    One(T),
    /// None was found, and one may be there.
    Unknown,
}

impl<T> Pick<T> {
    /// The same with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Pick<U> {
        match self {
            Self::Empty => Pick::Empty,
            Self::One(value) => Pick::One(change(value)),
            Self::Unknown => Pick::Unknown,
        }
    }

    /// This one, else what `next` finds; proven empty only where both are.
    pub fn or_else(self, next: impl FnOnce() -> Self) -> Self {
        match self {
            Self::One(_) => self,
            Self::Empty => next(),
            Self::Unknown => match next() {
                Self::Empty => Self::Unknown,
                other => other,
            },
        }
    }
}
