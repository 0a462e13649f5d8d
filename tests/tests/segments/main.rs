//! Segments as an independent implementation counts them: Twilio's calculator, which its users see their prices by.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod texts;

use std::io::Write;
use std::process::Command;
use std::process::Stdio;
use std::thread;

use anyhow::Context;
use serde_json::Value;
use tiffin_shared::text::segment;
use tiffin_shared::text::segment::Encoding;
use tiffin_tests::servers::root;

/// Asks the calculator about all of them at once.
fn calculator(texts: &[String]) -> anyhow::Result<Vec<Value>> {
    let mut script = Command::new(root().join("edge/node_modules/.bin/node"))
        .arg(root().join("tests/tests/segments/oracle.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("Node is missing: run scripts/setup.sh node")?;
    let mut stdin = script.stdin.take().context("a pipe")?;
    let json = serde_json::to_vec(texts)?;
    // It reads all before it writes: a thread of its own is for a pipe that is smaller than the texts.
    let writer = thread::spawn(move || stdin.write_all(&json));
    let output = script.wait_with_output()?;
    writer.join().unwrap()?;
    anyhow::ensure!(output.status.success(), "the calculator failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The calculator's septets or UTF-16 units as SMPP carries them.
fn octets(encoding: Encoding, units: &Value) -> Vec<u8> {
    let units = units.as_array().into_iter().flatten().filter_map(Value::as_u64);
    match encoding {
        Encoding::Gsm7 => units.map(|unit| u8::try_from(unit).unwrap()).collect(),
        Encoding::Ucs2 => units.flat_map(|unit| u16::try_from(unit).unwrap().to_be_bytes()).collect(),
    }
}

#[test]
#[ignore = "needs Node: make test"]
fn encoding_count_and_splits_are_those_of_twilios_calculator() -> anyhow::Result<()> {
    let texts = texts::all();
    let answers = calculator(&texts)?;
    assert_eq!(answers.len(), texts.len());
    let (mut several, mut wide) = (0, 0);
    for (text, answer) in texts.iter().zip(&answers) {
        let segments = answer["segments"].as_array().unwrap();
        let counted = segment::count(text);
        let name = if counted.encoding == Encoding::Gsm7 { "GSM-7" } else { "UCS-2" };
        assert_eq!((name, counted.count), (answer["encoding"].as_str().unwrap(), segments.len()), "{text:?}");
        let (encoding, parts) = segment::parts(text);
        let theirs: Vec<_> = segments.iter().map(|units| octets(encoding, units)).collect();
        assert_eq!(parts, theirs, "{text:?}");
        several += usize::from(segments.len() > 1);
        wide += usize::from(encoding == Encoding::Ucs2);
    }
    println!("{} texts, {several} in several segments, {wide} in UCS-2: no difference", texts.len());
    assert!(several > texts.len() / 5 && wide > texts.len() / 5, "too few of a kind to prove much");
    Ok(())
}
