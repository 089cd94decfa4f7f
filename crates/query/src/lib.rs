//! Search and SQL over one snapshot of the store; the only crate that knows DataFusion.
