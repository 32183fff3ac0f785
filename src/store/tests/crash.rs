//! Opening, closing, and everything that goes wrong between.
