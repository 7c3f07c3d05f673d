//! The keys of what is named once and used everywhere.

use super::shape::{Key, Object, Shape, Snippet};

macro_rules! day {
    ($name:literal) => {
        Key::new(
            $name,
            Shape::OneOrMany(&Shape::Hours),
            "When it is open on these days; days that aren't named are closed.",
        )
        .example(concat!($name, ": [\"09:00-13:00\", \"14:00-18:00\"]"))
    };
}

pub static HOURS: Object = Object {
    what: "opening hours",
    keys: &[
        Key::new("zone", Shape::Zone, "The time zone, by its IANA name.").required().example("zone: America/Bogota"),
        day!("daily"),
        day!("mon-fri"),
        day!("mon-thu"),
        day!("mon-sat"),
        day!("mon-sun"),
        day!("mon-wed"),
        day!("mon-tue"),
        day!("tue-wed"),
        day!("tue-thu"),
        day!("tue-fri"),
        day!("tue-sat"),
        day!("tue-sun"),
        day!("wed-thu"),
        day!("wed-fri"),
        day!("wed-sat"),
        day!("wed-sun"),
        day!("thu-fri"),
        day!("thu-sat"),
        day!("thu-sun"),
        day!("fri-sat"),
        day!("fri-sun"),
        day!("sat-sun"),
        day!("mon"),
        day!("tue"),
        day!("wed"),
        day!("thu"),
        day!("fri"),
        day!("sat"),
        day!("sun"),
        Key::new("except", Shape::OneOrMany(&Shape::Date), "Dates on which it is closed, whatever day they are.")
            .example("except: [2026-12-25, 2027-01-01]"),
    ],
    snippets: &[Snippet {
        label: "a working week",
        about: "From Monday to Friday, without holidays.",
        body: &["zone: ${2:America/Bogota}", "mon-fri: ${3:09:00-18:00}", "except:", "  - ${4:2026-12-25}"],
    }],
};
