//! Simulators of the controllers, on the real wire protocols, deterministic from one seed.
