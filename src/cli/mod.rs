//! Command line: arguments, headless queries, doctor.
