//! Lists for people: columns that stand under each other, states in colour.

use anstyle::{AnsiColor, Style};

use super::super::out::say_line;

/// A column's name, and what stands in each row.
pub struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Whether it has no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints it, or says that there is nothing.
    pub fn print(&self, nothing: &str) {
        if self.rows.is_empty() {
            say_line!("{nothing}");
            return;
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain(self.heads.get(column).map(|head| head.len())).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        let bold = Style::new().bold();
        say_line!("{}", line(&widths, self.heads.iter().map(|head| (bold, (*head).to_owned()))));
        for row in &self.rows {
            let state = |(column, cell): (usize, &String)| {
                let is_state = self.heads.get(column) == Some(&"state");
                (if is_state { colour(cell) } else { Style::new() }, cell.clone())
            };
            say_line!("{}", line(&widths, row.iter().enumerate().map(state)));
        }
    }
}

/// Nothing is filled up behind the last word: what is copied has no spaces at its end.
fn line(widths: &[usize], cells: impl Iterator<Item = (Style, String)>) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for (width, (style, cell)) in widths.iter().zip(cells) {
        let gap = width.saturating_sub(cell.chars().count()) + 2;
        if cell.is_empty() {
            owed += gap;
        } else {
            line.push_str(&" ".repeat(std::mem::replace(&mut owed, gap)));
            line.extend([style.render().to_string(), cell, style.render_reset().to_string()]);
        }
    }
    line
}

fn colour(state: &str) -> Style {
    let colour = match state {
        "applied" | "already" | "well" | "active" | "ok" | "clean" => AnsiColor::Green,
        "dead" | "ended" | "failing" | "paused" | "open" | "faulty" | "removed" | "failed" | "drifted" | "lost" => {
            AnsiColor::Red
        }
        "waiting" | "starting" | "half-open" | "not by us" | "unread" | "unproven" => AnsiColor::Yellow,
        _ => return Style::new().dimmed(),
    };
    Style::new().fg_color(Some(colour.into()))
}
