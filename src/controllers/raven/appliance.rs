//! The configuration of the appliance itself (`/api/config` of the config service): kept whole, since
//! saving it replaces everything, and with its secrets out of sight.

use serde_json::{Map, Value};

use crate::model::appliance::poll::PortSetting;

/// Keys whose values are secrets.
const SECRET: [&str; 4] = ["community", "authpassword", "emailpassword", "password"];

/// The configuration as the service told it.
#[derive(Clone, PartialEq, Default)]
pub struct ApplianceConfig {
    whole: Map<String, Value>,
}

impl std::fmt::Debug for ApplianceConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ApplianceConfig({})", self.masked())
    }
}

/// Where ports stand: path in `collection`, service, enabled by which section, whether its
/// `protocol` decides about TCP.
const PORTS: [(&[&str], &str); 9] = [
    (&["syslog", "port"], "fluent-bit"),
    (&["netflow", "port"], "goflow2"),
    (&["netflow", "ports", "netflow_v5"], "goflow2"),
    (&["netflow", "ports", "ipfix"], "goflow2"),
    (&["netflow", "ports", "sflow"], "goflow2"),
    (&["sflow", "port"], "goflow2"),
    (&["snmp", "trap_port"], "telegraf"),
    (&["telegraf", "port"], "telegraf"),
    (&["windows", "port"], "vector"),
];

impl ApplianceConfig {
    /// The configuration that an object is.
    #[must_use]
    pub const fn new(whole: Map<String, Value>) -> Self {
        Self { whole }
    }

    /// The whole object, as it is sent; with its secrets.
    #[must_use]
    pub const fn whole(&self) -> &Map<String, Value> {
        &self.whole
    }

    /// Whether it says anything of collectors. Saving replaces everything: without that none would have a
    /// port, so nothing else is ever sent.
    #[must_use]
    pub fn collects(&self) -> bool {
        self.whole.get("collection").and_then(Value::as_object).is_some_and(|collection| !collection.is_empty())
    }

    /// The same with every secret replaced by `***`, for the screen.
    #[must_use]
    pub fn masked(&self) -> Value {
        let mut masked = Value::Object(self.whole.clone());
        mask(&mut masked);
        masked
    }

    /// Every port in it that a collector listens on. Whether a collector uses the port that stands
    /// here is another matter: it does so from its next restart.
    #[must_use]
    pub fn ports(&self) -> Vec<PortSetting> {
        let Some(collection) = self.whole.get("collection") else { return Vec::new() };
        let setting = |(path, service): &(&[&str], &str)| {
            let value = path.iter().try_fold(collection, |at, key| at.get(key))?;
            let section = collection.get(path.first()?)?;
            let protocol = section.get("protocol").and_then(Value::as_str).unwrap_or("UDP");
            Some(PortSetting {
                service: (*service).to_owned(),
                path: format!("collection.{}", path.join(".")),
                port: port(value)?,
                tcp: ["tcp", "http", "https"].iter().any(|tcp| protocol.eq_ignore_ascii_case(tcp)),
                enabled: section.get("enabled").and_then(Value::as_bool).unwrap_or(true),
            })
        };
        PORTS.iter().filter_map(setting).collect()
    }
}

/// A port, as a number or a text; 0 is none.
fn port(value: &Value) -> Option<u16> {
    let n = match value {
        Value::Number(n) => n.as_u64().and_then(|n| u16::try_from(n).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    n.filter(|n| *n != 0)
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let secret = SECRET.contains(&key.to_ascii_lowercase().as_str());
                match value {
                    Value::String(text) if secret && text.is_empty() => {}
                    value if secret => *value = Value::String("***".to_owned()),
                    value => mask(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ApplianceConfig {
        let sample = include_str!("../../../tests/fixtures/raven/config_config_nodata.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        ApplianceConfig::new(sample["response"]["body"].as_object().unwrap().clone())
    }

    #[test]
    fn ports_stand_where_the_appliance_has_them() {
        let ports = sample().ports();
        let told: Vec<_> = ports.iter().map(|p| (p.path.as_str(), p.service.as_str(), p.port, p.tcp)).collect();
        assert_eq!(
            told,
            [
                ("collection.syslog.port", "fluent-bit", 1514, false),
                ("collection.netflow.port", "goflow2", 2055, false),
                ("collection.netflow.ports.netflow_v5", "goflow2", 2056, false),
                ("collection.netflow.ports.ipfix", "goflow2", 4740, false),
                ("collection.netflow.ports.sflow", "goflow2", 6344, false),
                ("collection.sflow.port", "goflow2", 6343, false),
                ("collection.snmp.trap_port", "telegraf", 1162, false),
                ("collection.telegraf.port", "telegraf", 8125, false),
                ("collection.windows.port", "vector", 8084, true),
            ]
        );
        assert!(ports.iter().all(|p| p.enabled));
    }

    #[test]
    fn ports_that_are_none_are_left_out() {
        let odd = serde_json::json!({"collection": {
            "syslog": {"port": "5514", "enabled": false, "protocol": "tcp"},
            "netflow": {"port": 70000, "ports": {"ipfix": -1, "sflow": 0, "netflow_v5": 2056.5}},
            "snmp": {"trap_port": null},
            "windows": "no section",
        }});
        let ports = ApplianceConfig::new(odd.as_object().unwrap().clone()).ports();
        assert_eq!(ports.len(), 1);
        assert!(ports[0].port == 5514 && ports[0].tcp && !ports[0].enabled);
    }

    #[test]
    fn secrets_are_out_of_sight() {
        let told = format!("{:?}", sample());
        assert!(!told.contains("n0crav3n") && told.contains(r#""community":"***""#), "{told}");
    }
}
