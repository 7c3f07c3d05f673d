//! The results: a table for people, JSON for scripts, with what is required and aimed at beside each figure.

use serde::Serialize;

use crate::rounds::Series;

/// On which side of a bound a figure has to be.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// This or more.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
    /// This or less.
    AtMost(f64),
}

impl Wanted {
    fn met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::Below(bound) => value < bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::Below(bound) => format!("< {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
        }
    }
}

/// One figure.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What it is of.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Wanted>,
    /// What it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aimed: Option<Wanted>,
}

/// Everything that was found out.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Whether this was a smoke run, whose figures mean nothing.
    pub quick: bool,
    /// Cores, shared by everything.
    pub cores: usize,
    /// The greatest share of the machine that anything else took in a round.
    pub others: f64,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What was checked and found right.
    pub checked: Vec<String>,
    /// The rounds behind the figures.
    pub series: Vec<Series>,
}

impl Report {
    /// Adds a figure that has only to be known.
    pub fn tell(&mut self, name: &str, value: f64, unit: &'static str) {
        self.figures.push(Figure { name: name.to_owned(), value, unit, required: None, aimed: None });
    }

    /// Adds a figure that has to be good enough.
    pub fn judge(&mut self, name: &str, value: f64, unit: &'static str, required: Wanted, aimed: Option<Wanted>) {
        self.figures.push(Figure { name: name.to_owned(), value, unit, required: Some(required), aimed });
    }

    /// Adds the rounds of some sides.
    pub fn keep(&mut self, series: Vec<Series>) {
        let others = series.iter().flat_map(|s| &s.rounds).map(|round| round.others);
        self.others = others.fold(self.others, f64::max);
        self.series.extend(series);
    }

    /// Adds something that was checked.
    pub fn check(&mut self, what: String) {
        self.checked.push(what);
    }

    /// Whether every required figure is good enough.
    pub fn good_enough(&self) -> bool {
        self.figures.iter().all(|figure| figure.required.is_none_or(|wanted| wanted.met_by(figure.value)))
    }

    /// For scripts.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report is plain data")
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut lines = vec![format!("{:<44} {:>12} {:<13} {:<11} {:<10} ", "", "measured", "", "required", "aim")];
        for figure in &self.figures {
            let shown = |wanted: Option<Wanted>| wanted.map(Wanted::shown).unwrap_or_default();
            let verdict = match (figure.required, figure.aimed) {
                (Some(required), _) if !required.met_by(figure.value) => "MISSED",
                (Some(_), Some(aimed)) if aimed.met_by(figure.value) => "ok, aim met",
                (Some(_), _) => "ok",
                (None, _) => "",
            };
            lines.push(format!(
                "{:<44} {:>12} {:<13} {:<11} {:<10} {verdict}",
                figure.name,
                number(figure.value),
                figure.unit,
                shown(figure.required),
                shown(figure.aimed),
            ));
        }
        lines.extend(self.checked.iter().map(|what| format!("checked: {what}")));
        lines.push(format!(
            "{} cores, shared by load generator, server and database; other programs took at most {:.0} % of them in a round.",
            self.cores,
            self.others * 100.0
        ));
        if self.quick {
            lines.push("This was a smoke run: the figures mean nothing.".to_owned());
        }
        lines.join("\n")
    }
}

fn number(value: f64) -> String {
    match value {
        _ if value.abs() >= 1_000.0 => format!("{value:.0}"),
        _ if value.abs() >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
