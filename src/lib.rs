#![recursion_limit = "256"]
pub mod controllers { pub mod voltha { pub mod proto { tonic::include_proto!("protos"); } } }
