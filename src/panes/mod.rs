//! What is on the screen: one folder a pane.
