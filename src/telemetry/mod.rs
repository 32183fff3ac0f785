//! What noctule tells about itself: tracing, the log ring, crash files.
