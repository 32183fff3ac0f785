//! Text from outside is hostile: this is the one place that makes it safe to draw, log or export.
