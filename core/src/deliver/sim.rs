//! Before a text message or a call: whether the number's SIM changed lately.

use std::sync::Arc;

use tiffin_shared::order::Ask;
use tiffin_shared::order::SimDoubt;
use tiffin_shared::order::SimVerdict;
use tiffin_shared::wire::job::Private;

use super::work::Opened;
use super::work::insist;
use crate::app::App;
use crate::orders;

/// Asks the network, and tells the record.
pub(super) async fn check(
    app: &Arc<App>,
    opened: &Opened,
    private: &Private,
    n: u8,
) -> Result<(), orders::Error> {
    let header = &opened.header;
    let verdict = match (&app.sim_swap, &private.phone) {
        (Some(checker), Some(phone)) => {
            checker.check(&app.provider_client, phone, header.country, &header.order).await
        }
        (None, _) | (_, None) => SimVerdict::Unknown(SimDoubt::NotServed),
    };
    tracing::info!(order = %header.order, ?verdict, "the SIM was checked");
    insist(app, header, Ask::SimChecked { n, verdict }).await.map(drop)
}
