//! The committed table is what the metadata gives.

use tiffin_phone_table::generate;
use tiffin_phone_table::metadata;
use tiffin_phone_table::table_path;
use tiffin_shared::phone::metadata_version;

#[test]
fn the_committed_table_is_the_one_the_metadata_gives() {
    let kept = std::fs::read(table_path()).unwrap();
    let made = generate().unwrap();
    assert!(kept == made, "run cargo run -p tiffin-phone-table");
    assert_eq!(generate().unwrap(), made, "the generator gives other bytes when run again");
    assert_eq!(metadata_version(), metadata::load().unwrap().version);
}

/// What the worker carries for it; the rest of the edge needs its bytes too.
#[test]
fn the_table_stays_small() {
    assert!(generate().unwrap().len() < 48 * 1024);
}

#[test]
fn both_oracles_have_the_metadata_of_the_table() {
    let versions = std::fs::read_to_string(tiffin_phone_table::root().join("scripts/versions.sh")).unwrap();
    let [major, minor, patch] = metadata_version();
    assert!(versions.contains(&format!("\nPHONENUMBERS_VERSION={major}.{minor}.{patch}\n")));
}
