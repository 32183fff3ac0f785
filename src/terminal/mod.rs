//! The terminal: capabilities, the guard that restores it, one write a frame, input, clipboard.
