//! Dialogflow's resource names: `projects/P/locations/L/agent/environments/E/users/U/sessions/S` and their like.

/// What follows a word in a resource name: `part("projects/p/locations/eu", "locations")` is `eu`.
pub fn part<'n>(name: &'n str, word: &str) -> Option<&'n str> {
    let mut parts = name.split('/');
    parts.find(|part| *part == word)?;
    parts.next().filter(|part| !part.is_empty())
}

/// The last part of a name: an intent's id.
pub fn id(name: &str) -> Option<&str> {
    name.rsplit('/').next().filter(|part| !part.is_empty())
}

/// The region; `global` is what a name without one means.
pub fn region(name: &str) -> Option<&str> {
    part(name, "locations").filter(|region| *region != "global")
}

/// The environment. ES writes `-` for the draft, CX `draft`.
pub fn environment(name: &str) -> Option<&str> {
    part(name, "environments").filter(|it| *it != "-" && !it.eq_ignore_ascii_case("draft"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form_of_a_session_is_taken_apart() {
        for (name, expected) in [
            ("projects/p/agent/sessions/1", (None, None)),
            ("projects/p/agent/environments/prod/users/-/sessions/1", (None, Some("prod"))),
            ("projects/p/agent/environments/-/users/u/sessions/1", (None, None)),
            ("projects/p/locations/europe-west1/agent/sessions/1", (Some("europe-west1"), None)),
            (
                "projects/p/locations/asia-northeast1/agent/environments/e/users/u/sessions/1",
                (Some("asia-northeast1"), Some("e")),
            ),
            ("projects/p/locations/global/agents/a/sessions/dfMessenger-1:detectIntent", (None, None)),
            (
                "projects/p/locations/us-central1/agents/a/environments/staging/sessions/1",
                (Some("us-central1"), Some("staging")),
            ),
            ("projects/p/locations/eu/agents/a/environments/draft/sessions/1", (Some("eu"), None)),
            ("locations/", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!((region(name), environment(name)), expected, "{name}");
        }
        assert_eq!(id("projects/p/agent/intents/29bc"), Some("29bc"));
        assert_eq!(id("projects/p/agent/intents/"), None);
    }
}
