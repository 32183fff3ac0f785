//! Properties of the fold and of filters.
