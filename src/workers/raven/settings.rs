//! From the configuration of an appliance to what its tracker has to know.

use crate::config::schema::{Protocol, Raven};
use crate::engine::buffer::{Port, Service, Settings};
use crate::model::time::SECOND;

/// The settings of the tracker: a shipped appliance, with what the configuration says otherwise.
pub(in crate::workers) fn settings(config: &Raven) -> Settings {
    let mut settings = Settings {
        poll_us: i64::try_from(config.poll_s).unwrap_or(3600) * SECOND,
        fill_pct: [config.alarms.fill_minor_pct, config.alarms.fill_major_pct, config.alarms.fill_critical_pct],
        full_in_us: config.alarms.full_in_us(),
        coverage_us: config.alarms.coverage_us(),
        silent_us: config.alarms.silent_us(),
        ..Settings::default()
    };
    for (name, own) in &config.services {
        let at = settings.services.iter().position(|s| s.name == *name).unwrap_or_else(|| {
            settings.services.push(Service { name: name.clone(), ..Service::default() });
            settings.services.len() - 1
        });
        let Some(service) = settings.services.get_mut(at) else { continue };
        if let Some(critical) = own.critical {
            service.critical = critical;
        }
        service.expected = own.expected.or(service.expected);
        if let Some(ports) = &own.ports {
            service.ports_fixed = true;
            service.ports = ports
                .iter()
                .map(|p| Port { public: p.port, inner: p.inner, tcp: p.protocol == Protocol::Tcp })
                .collect();
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::{ServicePort, ServiceSettings};

    #[test]
    fn what_the_configuration_says_stands_over_what_is_shipped() {
        let mut config = Raven::new("http://127.0.0.1:5005");
        config.poll_s = 30;
        config.alarms.coverage = "7d".into();
        let port = ServicePort { port: 5140, inner: None, protocol: Protocol::Tcp };
        let own = ServiceSettings { critical: Some(false), ports: Some(vec![port]), ..ServiceSettings::default() };
        config.services.insert("fluent-bit".into(), own);
        let extra = ServiceSettings { expected: Some(false), ..ServiceSettings::default() };
        config.services.insert("own-collector".into(), extra);
        let settings = settings(&config);
        assert_eq!((settings.poll_us, settings.coverage_us), (30 * SECOND, 7 * crate::model::time::DAY));
        let of = |name: &str| settings.services.iter().find(|s| s.name == name).unwrap();
        let syslog = of("fluent-bit");
        assert!(
            !syslog.critical && syslog.ports_fixed && syslog.ports == [Port { public: 5140, inner: None, tcp: true }]
        );
        assert_eq!(of("own-collector").expected, Some(false));
        assert!(of("goflow2").critical && !of("goflow2").ports_fixed);
    }
}
