//! `phone_table` writes `shared/src/phone/class.bin`; `phone_table --check` only compares.

use anyhow::Result;
use anyhow::bail;
use tiffin_phone_table::generate;
use tiffin_phone_table::table_path;

#[expect(clippy::print_stdout, reason = "a program for people")]
fn main() -> Result<()> {
    let made = generate()?;
    let path = table_path();
    let same = std::fs::read(&path).is_ok_and(|kept| kept == made);
    let check = std::env::args().nth(1).is_some_and(|argument| argument == "--check");
    if check && !same {
        bail!("{} is not what the metadata gives: run cargo run -p tiffin-phone-table", path.display());
    }
    if !check && !same {
        std::fs::write(&path, &made)?;
    }
    println!("{}: {} bytes, {}", path.display(), made.len(), if same { "unchanged" } else { "written" });
    Ok(())
}
