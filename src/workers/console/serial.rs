//! A serial console: the stream of the host into the emulator, keys back into the stream.

use super::Session;

pub(super) async fn run(session: Session) -> Result<(), String> {
    std::future::ready(Err(format!("{} cannot be opened yet", session.target.name))).await
}
