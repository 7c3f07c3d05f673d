//! The picture as a Mermaid flowchart.

use std::fmt::Write;

use super::{ConnectionNode, EffectEdge, Graph, RuleNode, SourceNode, TagUse};

/// The longest line of a label; what a rule looks for may be a hundred intents.
const MOST: usize = 48;
/// The most lines of tags or fields of one label.
const MOST_LINES: usize = 12;

impl Graph {
    /// As Mermaid: it is drawn where Markdown is shown.
    pub fn mermaid(&self) -> String {
        let mut to = String::from("flowchart LR\n");
        // Writing to a text can't fail.
        let _ = self.write(&mut to);
        to
    }

    fn write(&self, to: &mut String) -> std::fmt::Result {
        for (place, source) in self.sources.iter().enumerate() {
            writeln!(to, "  s{place}([\"{}\"]):::source", lines(&[source.name.clone(), source.kind.to_owned()]))?;
        }
        // A line from each source to each rule that names none would hide all others.
        let shares_node = |rule: &RuleNode| rule.any_source && rule.sources.len() > 1;
        if self.rules.iter().any(shares_node) {
            writeln!(to, "  any([\"any source\"]):::source")?;
        }
        for (file, rules) in self.files().iter().enumerate() {
            let path = rules.first().map_or("", |(_, rule)| rule.file.as_str());
            writeln!(to, "  subgraph f{file}[\"{}\"]", lines(&[path.to_owned()]))?;
            for (place, rule) in rules {
                writeln!(to, "    r{place}[\"{}\"]:::{}", lines(&about(rule)), class(rule))?;
            }
            writeln!(to, "  end")?;
        }
        for (place, connection) in self.connections.iter().enumerate() {
            writeln!(to, "  c{place}[(\"{}\")]:::connection", lines(&about_connection(connection)))?;
        }
        leads("any", &self.places(shares_node), to)?;
        for (place, source) in self.sources.iter().enumerate() {
            let meets = |rule: &RuleNode| !shares_node(rule) && rule.sources.contains(&source.name);
            leads(&format!("s{place}"), &self.places(meets), to)?;
        }
        for (place, rule) in self.rules.iter().enumerate() {
            for effect in &rule.effects {
                if let Some(connection) = self.connection(&effect.connection) {
                    writeln!(to, "  r{place} -->|\"{}\"| c{connection}", lines(&brought_about(effect)))?;
                }
            }
        }
        for (place, source) in self.sources.iter().enumerate() {
            self.write_own_effects(place, source, to)?;
        }
        writeln!(to, "  classDef source stroke:#2a7,stroke-width:2px")?;
        writeln!(to, "  classDef connection stroke:#27a,stroke-width:2px")?;
        writeln!(to, "  classDef rule stroke:#888")?;
        writeln!(to, "  classDef stop stroke:#c33,stroke-width:3px")?;
        writeln!(to, "  classDef resting stroke:#888,stroke-dasharray:4 4")
    }

    fn write_own_effects(&self, place: usize, source: &SourceNode, to: &mut String) -> std::fmt::Result {
        for name in &source.acts_at {
            if let Some(connection) = self.connection(name) {
                writeln!(to, "  s{place} -.->|\"{}\"| c{connection}", lines(&["RB_ parameters".to_owned()]))?;
            }
        }
        Ok(())
    }

    /// The names of the rules of which this is so.
    fn places(&self, is: impl Fn(&RuleNode) -> bool) -> Vec<String> {
        self.rules.iter().enumerate().filter(|(_, rule)| is(rule)).map(|(place, _)| format!("r{place}")).collect()
    }

    fn connection(&self, name: &str) -> Option<usize> {
        self.connections.iter().position(|connection| connection.name == name)
    }

    /// Rules with their places, file by file, in the order in which they act.
    fn files(&self) -> Vec<Vec<(usize, &RuleNode)>> {
        let mut files: Vec<Vec<(usize, &RuleNode)>> = Vec::new();
        for (place, rule) in self.rules.iter().enumerate() {
            match files.last_mut() {
                Some(file) if file.first().is_some_and(|(_, first)| first.file == rule.file) => {
                    file.push((place, rule));
                }
                _ => files.push(vec![(place, rule)]),
            }
        }
        files
    }
}

fn leads(from: &str, rules: &[String], to: &mut String) -> std::fmt::Result {
    if rules.is_empty() { Ok(()) } else { writeln!(to, "  {from} --> {}", rules.join(" & ")) }
}

fn class(rule: &RuleNode) -> &'static str {
    match (rule.enabled, rule.stop) {
        (false, _) => "resting",
        (true, true) => "stop",
        (true, false) => "rule",
    }
}

fn about(rule: &RuleNode) -> Vec<String> {
    let words = [(!rule.enabled, "disabled"), (rule.reply, "replies"), (rule.stop, "stops")];
    let words: Vec<&str> = words.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect();
    std::iter::once(rule.id.clone())
        .chain(rule.matches.iter().cloned())
        .chain(rule.when.iter().map(|when| format!("when {when}")))
        .chain(rule.once.iter().map(|once| format!("once in {once}")))
        .chain((!words.is_empty()).then(|| words.join(", ")))
        .collect()
}

fn about_connection(connection: &ConnectionNode) -> Vec<String> {
    [connection.name.clone(), connection.provider.to_owned()]
        .into_iter()
        .chain(connection.exclusive.iter().map(|set| format!("one of {}", set.join(", "))))
        .chain((!connection.unless_tagged.is_empty()).then(|| unless(&connection.unless_tagged)))
        .collect()
}

fn brought_about(effect: &EffectEdge) -> Vec<String> {
    let tag = |word: &str, tag: &TagUse| {
        let lasts = tag.lasts.as_ref().map(|lasts| format!(" for {lasts}")).unwrap_or_default();
        let when = tag.when.as_ref().map(|when| format!(" when {when}")).unwrap_or_default();
        format!("{word} {}{lasts}{when}", tag.name)
    };
    let removes = effect.remove.iter().map(|removed| tag("remove", removed));
    let mut lines: Vec<String> = removes
        .chain(effect.add.iter().map(|added| tag("add", added)))
        .chain(effect.set.iter().map(|field| format!("set {field}")))
        .chain(effect.forward.then(|| "forward".to_owned()))
        .collect();
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES + 1;
        lines.truncate(MOST_LINES - 1);
        lines.push(format!("and {more} more"));
    }
    if !effect.if_tagged.is_empty() {
        lines.push(format!("if tagged {}", effect.if_tagged.join(", ")));
    }
    if !effect.unless_tagged.is_empty() {
        lines.push(unless(&effect.unless_tagged));
    }
    lines
}

fn unless(tags: &[String]) -> String {
    format!("unless tagged {}", tags.join(", "))
}

/// Lines of a label, each cut to what a person takes in.
fn lines(all: &[String]) -> String {
    all.iter().map(|line| escaped(&shortened(line))).collect::<Vec<_>>().join("<br/>")
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", line.split_at(end).0.trim_end()),
        None => line.to_owned(),
    }
}

/// A text within the quotes of a label. Mermaid reads labels as Markdown and HTML, knows `#35;` as a sign's number, and finds
/// its own commands (`%%{`, `style a:`) in them; letters, digits and what has no meaning in any of these stay as they are.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            _ if letter.is_alphanumeric() => escaped.push(letter),
            ' ' | '.' | ',' | '-' | '/' | '(' | ')' | '{' | '}' | '+' | '=' | '!' | '?' | '\'' | '…' => {
                escaped.push(letter);
            }
            // Line breaks of a text would end the label's line.
            _ if letter.is_control() || letter.is_whitespace() => escaped.push(' '),
            // Signs outside ASCII have no meaning to anybody: `¡`, `€`, emoji and what joins them.
            _ if !letter.is_ascii() => escaped.push(letter),
            _ => {
                let _ = write!(escaped, "#{};", u32::from(letter));
            }
        }
    }
    escaped
}
