//! Which typed commands hold a secret, so that no history and no repetition keeps it.

use crate::model::command::Args;
use crate::model::secret::looks_secret;

/// Whether the arguments of a command may hold a secret: a value for a parameter that is one, the
/// answer to a question for a secret, or the text of a preset or script.
#[must_use]
pub fn holds(id: &str, args: &Args) -> bool {
    let set =
        |lines: &String| lines.lines().any(|line| looks_secret(line.split(['=', ' ']).next().unwrap_or(line).trim()));
    args.get("values").is_some_and(set)
        || args.get("edit").is_some_and(set)
        || args.get("path").is_some_and(|path| looks_secret(path) && args.contains_key("value"))
        || args.contains_key("secret")
        || (id.rsplit('.').next() == Some("put") && args.contains_key("text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_seen_wherever_they_are_typed() {
        let holds = |id: &str, arg: &[(&str, &str)]| {
            holds(id, &arg.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        assert!(holds("cpe.set", &[("values", "Device.A=1\nDevice.PPP.Interface.1.Password=x")]));
        assert!(holds("cpe.stage", &[("path", "X.KeyPassphrase"), ("value", "x")]));
        assert!(holds("cpe.preset.put", &[("text", "{}")]));
        assert!(!holds("cpe.set", &[("values", "Device.WiFi.SSID.1.SSID=password")]));
        assert!(!holds("cpe.reveal", &[("path", "X.KeyPassphrase")]));
    }
}
