//! What the room promises, asked from outside.
