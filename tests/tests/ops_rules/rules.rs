//! The alerts by Prometheus' own tool.

use std::process::Command;

use tiffin_tests::servers::root;

fn promtool(arguments: &[&str]) -> anyhow::Result<()> {
    let output =
        Command::new("promtool").args(arguments).current_dir(root().join("ops/prometheus")).output()?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "promtool {arguments:?}: {said}");
    Ok(())
}

#[test]
#[ignore = "needs promtool: make test"]
fn the_alerts_are_rules_that_prometheus_takes() -> anyhow::Result<()> {
    promtool(&["check", "rules", "alerts.yml"])?;
    promtool(&["check", "config", "--syntax-only", "prometheus.yml"])
}

#[test]
#[ignore = "needs promtool: make test"]
fn each_alert_fires_and_is_quiet_as_its_tests_say() -> anyhow::Result<()> {
    promtool(&["test", "rules", "alerts_test.yml"])
}
