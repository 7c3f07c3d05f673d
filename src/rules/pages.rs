//! The pages that explain each finding, as they stand in the documentation.

use super::codes::Code;

const PAGES: [&str; 3] = [
    include_str!("../../docs/findings-errors.md"),
    include_str!("../../docs/findings-warnings.md"),
    include_str!("../../docs/findings-meaning.md"),
];

/// The section of a code: from its head to the next one.
pub fn page(code: Code) -> Option<&'static str> {
    let head = format!("## {}:", code.row().code);
    PAGES.into_iter().find_map(|page| {
        let (start, _) =
            page.match_indices(&head).find(|(at, _)| page.get(..*at).is_some_and(|b| b.ends_with('\n')))?;
        let section = page.get(start..)?;
        let end = section.get(1..)?.find("\n## ").map_or(section.len(), |at| at + 1);
        section.get(..end).map(str::trim_end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_section_and_no_section_runs_into_the_next() {
        for code in Code::ALL {
            let section = page(*code).unwrap_or_else(|| panic!("no page explains {}", code.row().code));
            assert_eq!(section.matches("\n## ").count(), 0, "{section}");
            assert!(section.contains("wrong\n") && section.contains("right\n"), "{section}");
        }
    }
}
