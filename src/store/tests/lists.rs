//! Windows, filters, the tree.
