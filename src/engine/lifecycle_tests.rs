//! The life of an alarm, rule by rule, and held by random histories.
