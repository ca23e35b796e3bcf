//! The figures of `docs/costs.md` about livepatch are those of the kernel.

use super::session::*;
use alt_runtime::livepatch::Livepatch;
use qemu_tests::Machine;
use qemu_tests::figures::{self, Table};
use std::fs;
use test_support::workspace;

const TABLE: Table<'_> = Table {
    section: "## A livepatch",
    header: "functions   apply  revert  unload  resident bytes",
};

/// Functions that nothing calls while they are replaced.
const REPLACED: [&str; 4] = [FIRST, SECOND, "livepatch_site", BUSY];

/// A row of the table: number of functions; instructions while the CPUs are held, for apply, revert
/// and unload; resident bytes of the payload.
type Row = [u64; 5];

guest_test!(figures_of_the_document_are_measured, {
    let measured = measure();
    let rows: Vec<_> = measured.iter().map(line).collect();
    let text = fs::read_to_string(workspace().join("docs/costs.md")).unwrap();
    if let Err(why) = TABLE.compare(&text, &rows) {
        panic!("docs/costs.md: {why}");
    }
    // The bytes for each payload that a kernel makes room for.
    let slot = size_of::<Livepatch<2>>() - size_of::<Livepatch<1>>();
    let sentence = format!("takes {slot} bytes of `Livepatch<N>`");
    assert!(
        text.contains(&sentence),
        "docs/costs.md should say: {sentence}"
    );
});

/// Payloads of one, two and four functions, on one CPU whose counter counts instructions.
fn measure() -> Vec<Row> {
    let payloads: Vec<_> = [1, 2, 4]
        .map(|count| kernel().returning("costs", &REPLACED[..count], 2))
        .into();
    let commands: Vec<_> = (0..payloads.len())
        .map(|number| format!("load:{number},apply:{number},revert:{number},unload:{number}"))
        .collect();
    // Each instruction takes 1 ns of virtual time.
    let machine = Machine::new("max").args(["-icount", "shift=0,sleep=off"]);
    let payloads: Vec<_> = payloads.iter().collect();
    let session = Setup::new(&payloads, &commands.join(",")).on(machine).run();
    assert!(
        session
            .results()
            .iter()
            .all(|result| result.ends_with(": ok"))
    );
    let held = figures::instructions(&session.run.log, "livepatch held=");
    let held = held.as_chunks::<3>().0.iter();
    let resident = session.notes("payload ").into_iter().map(|note| {
        let (_, numbers) = note.split_once(" resident=").unwrap();
        let (bytes, functions) = numbers.split_once(" functions=").unwrap();
        [functions.parse().unwrap(), bytes.parse().unwrap()]
    });
    held.zip(resident)
        .map(|([apply, revert, unload], [functions, bytes])| {
            [functions, *apply, *revert, *unload, bytes]
        })
        .collect()
}

fn line([functions, apply, revert, unload, bytes]: &Row) -> String {
    format!("{functions:>9} {apply:>7} {revert:>7} {unload:>7} {bytes:>15}")
}
