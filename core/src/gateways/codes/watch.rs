//! Reads the operator's corrections again when they change.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::App;

/// How soon a correction is in use. The file is small and local.
const PERIOD: Duration = Duration::from_secs(2);

/// Works until `stop` changes. A file that cannot be used leaves what was in use before.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut complaint = String::new();
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = sleep(PERIOD) => {}
        }
        match app.config.corrections() {
            Ok(corrections) => {
                if app.gateways.codes.correct(corrections) {
                    tracing::info!("the operator's codes have changed and are in use");
                }
                complaint.clear();
            }
            Err(error) => {
                let said = error.to_string();
                // Once for each mistake, not every two seconds.
                if said != complaint {
                    tracing::error!(%error, "the operator's codes cannot be used; those before stay");
                    complaint = said;
                }
            }
        }
    }
}
