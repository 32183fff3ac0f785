//! Moving ports (to come with the port plan of the engine).

use tokio_util::sync::CancellationToken;

use crate::workers::appliance::Preview;

use super::shared::Shared;

pub(super) async fn preview(_shared: &Shared, _moves: &[(String, u16)]) -> Result<Preview, String> {
    Err(String::new())
}

pub(super) async fn carry_out(
    _shared: &Shared,
    _moves: &[(String, u16)],
    _actor: &str,
    _stop: &CancellationToken,
) -> Result<String, String> {
    Err(String::new())
}
