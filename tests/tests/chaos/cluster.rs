//! Three RabbitMQ nodes, of which one is killed under load: another one, then the one that leads.

use tempfile::TempDir;
use tiffin_tests::chaos::cluster::Cluster;
use tiffin_tests::chaos::fleet::ALL;
use tiffin_tests::chaos::fleet::Fleet;
use tiffin_tests::chaos::load::Load;
use tiffin_tests::chaos::show;
use tiffin_tests::chaos::tally;
use tiffin_tests::stack::Backing;

use crate::common;
use crate::servers::until_accepted;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts three RabbitMQ nodes: make test"]
async fn a_cluster_that_loses_its_leader_loses_no_order() -> anyhow::Result<()> {
    let _turn = common::turn().await;
    let dir = TempDir::with_prefix("tiffin-cluster-")?;
    let cluster = Cluster::start(dir.path()).await?;
    let fleet =
        Fleet::start_on(Backing::Shared, Some(&cluster.ports), &[ALL, ALL], common::unchanged).await?;
    let prefix = fleet.variable("TIFFIN_BUS_PREFIX")?.to_owned();
    let queue = format!("{prefix}.jobs.0");
    let (leader, members) = (cluster.leader(0, &queue)?, cluster.members(0, &prefix)?);
    assert!(
        !members.is_empty() && members.iter().all(|count| *count == 3),
        "not on three nodes: {members:?}"
    );

    let load = Load::start(&fleet.feeder, common::LOAD);
    until_accepted(&fleet, 60).await?;
    cluster.kill(leader)?;
    until_accepted(&fleet, 100).await?;
    let other = (leader + 1) % 3;
    let next = cluster.leader(other, &queue)?;
    show(&format!(
        "cluster: {} queues on 3 nodes; node {leader} led {queue} and was killed, node {next} leads",
        members.len()
    ));
    assert_ne!(next, leader);
    load.stop().await?;
    let tally = tally::settle(&fleet, "cluster: the leader's node killed").await?;
    common::holds_once(&tally);
    Ok(())
}
