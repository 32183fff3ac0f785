//! Restarting services (to come with the restart machine of the engine).

use tokio_util::sync::CancellationToken;

use crate::workers::appliance::Preview;

use super::shared::Shared;

pub(super) async fn preview(_shared: &Shared, _service: &str, _force: bool) -> Result<Preview, String> {
    Err(String::new())
}

pub(super) async fn carry_out(
    _shared: &Shared,
    _service: &str,
    _force: bool,
    _actor: &str,
    _stop: &CancellationToken,
) -> Result<String, String> {
    Err(String::new())
}
