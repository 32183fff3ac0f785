//! Which parameters hold secrets, by their names, and what is shown in their place.

/// What a secret looks like on screens, in plans, exports and logs.
pub const MASK: &str = "••••••";

/// Whether the name of a parameter says that its value is a secret. For what has no device profile
/// at hand; profiles know more.
#[must_use]
pub fn looks_secret(path: &str) -> bool {
    const MARKS: &[&str] =
        &["password", "passwd", "passphrase", "presharedkey", "wepkey", "secret", "privatekey", "sharedkey"];
    let last = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    MARKS.iter().any(|m| last.contains(m)) || last.ends_with("_pwd") || last.ends_with("psk") || last == "pin"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for path in [
            "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.KeyPassphrase",
            "Device.PPP.Interface.1.Password",
            "Device.ManagementServer.ConnectionRequestPassword",
            "X.WEPKey.1.WEPKey",
            "VirtualParameters.wifi_pwd",
            "VirtualParameters.wifi_psk",
        ] {
            assert!(looks_secret(path), "{path}");
        }
        for path in ["Device.PPP.Interface.1.Username", "Device.WiFi.SSID.1.SSID", "X.PreSharedKey.1"] {
            assert!(!looks_secret(path), "{path}");
        }
    }
}
