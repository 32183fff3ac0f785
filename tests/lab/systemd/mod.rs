//! systemd over D-Bus.

mod fake;
