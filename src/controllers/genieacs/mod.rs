//! GenieACS: its northbound interface (NBI), an HTTP interface without login, without events and
//! without a job object, that dies of requests it does not expect.
//!
//! | Part | What it settles |
//! |---|---|
//! | [`client`] | every route, streamed, with a time limit fit for each kind of call |
//! | [`validate`] | nothing that kills a worker of the server ever leaves |
//! | [`crate::controllers::stream`] | answers of any size, line by line, in constant memory |
//! | [`wire`], [`task`], [`device`] | what is asked and sent, what comes back |
//! | [`profile`] | which parameter means what on which model |
//! | [`map`] | documents to rows: CPEs, leaves, faults, tasks, downloads |
//! | [`query`] | the console's filters as queries of the server |
//! | [`version`] | firmware versions in their order |

pub mod client;
pub mod device;
pub mod error;
pub mod exposure;
pub mod map;
pub mod profile;
pub mod query;
pub mod task;
pub mod validate;
pub use crate::model::version;
pub mod wire;
