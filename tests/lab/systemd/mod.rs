//! systemd over D-Bus: a manager of ours, and a real one as process 1 of namespaces of its own, where
//! this machine allows that; where it does not, standard error says so as `NOT CHECKED`.

mod fake;
mod machine;
mod real;
