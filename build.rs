//! Compiles `assets/proto` in process (protox), so that building needs no `protoc`.

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new("assets/proto");
    let files = ["voltha.proto", "extension.proto", "event.proto", "omci.proto"];
    let set = protox::compile(files, [root])?;
    tonic_prost_build::configure().build_client(true).build_server(true).include_file("protos.rs").compile_fds(set)?;
    println!("cargo::rerun-if-changed=assets/proto");
    Ok(())
}
