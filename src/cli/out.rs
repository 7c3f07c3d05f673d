//! Standard output. A reader that has seen enough (`| head`) is no fault: the rest is left unsaid, and the status still tells.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use super::WRONG;

/// Writes to standard output; colours only where they are welcome.
pub fn write(text: Arguments<'_>) {
    match anstream::stdout().write_fmt(text) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("error: standard output: {error}");
            std::process::exit(i32::from(WRONG));
        }
        Ok(()) | Err(_) => {}
    }
}

/// `print!` that doesn't panic.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::out::write(format_args!($($text)*)) };
}

/// `println!` that doesn't panic.
macro_rules! say_line {
    ($($text:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*))) };
}

pub(super) use {say, say_line};
