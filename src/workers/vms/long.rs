//! Operations that take long: what they would do, and doing them.

use tokio_util::sync::CancellationToken;

use crate::model::vm::VmRow;
use crate::workers::appliance::Preview;

use super::HostHandle;
use super::shared::Shared;
use super::verb::VmVerb;

/// What one would do.
pub(super) async fn preview(
    shared: &Shared,
    verb: &VmVerb,
    _row: &VmRow,
    _others: &[HostHandle],
) -> Result<Preview, String> {
    std::future::ready(Err(format!("{}: {} is not there yet", shared.name, verb.words().0))).await
}

/// Does it.
pub(super) async fn run(
    shared: &Shared,
    verb: &VmVerb,
    _row: &VmRow,
    _others: &[HostHandle],
    _stop: &CancellationToken,
    _progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<String, String> {
    std::future::ready(Err(format!("{}: {} is not there yet", shared.name, verb.words().0))).await
}
