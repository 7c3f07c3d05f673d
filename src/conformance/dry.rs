//! The suite's dry form.
